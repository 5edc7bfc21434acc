#!/bin/bash
# cluster: none
# transports: ring
# seconds: 240
#
# `cloister verify --eventlog` on a real machine's TDX quote and its log, which
# is replayed once more by the openssl command: registers, mutations, exit
# codes. Needs shared/evidence (CLOISTER_EVIDENCE, or a folder beside the
# repository) and is skipped without.
set -euo pipefail
cd "$(dirname "$0")/../.."

cloister=${CLOISTER:-build/release/cloister}
find_vectors() {
	local at=.

	if [ -n "${CLOISTER_EVIDENCE:-}" ]; then
		printf '%s' "$CLOISTER_EVIDENCE/vectors/tdx/ccel"
		return
	fi
	while [ "$(realpath "$at")" != / ]; do
		[ ! -d "$at/shared/evidence" ] || break
		at=$at/..
	done
	printf '%s' "$at/shared/evidence/vectors/tdx/ccel"
}
v=$(find_vectors)
[ -d "$v" ] || {
	echo 'skipped: no vectors of real evidence here'
	exit 77
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export HOME=$dir/nobody
unset CLOISTER_HOME || true

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# A line for each record that extends: its register, offset and digest.
records() {
	python3 - "$1" <<-'PY'
		import struct, sys
		d = open(sys.argv[1], 'rb').read()
		at = 32 + struct.unpack_from('<I', d, 28)[0]
		while True:
		    reg, kind, n = struct.unpack_from('<III', d, at)
		    if reg == 0xffffffff:
		        break
		    assert n == 1 and struct.unpack_from('<H', d, at + 12)[0] == 12
		    if kind != 3 and reg:
		        print(reg - 1, at + 14, d[at + 14:at + 62].hex())
		    at += 66 + struct.unpack_from('<I', d, at + 62)[0]
	PY
}

# verify STATUS LOG OPTION...: the verdict is in $dir/json.
verify() {
	local want=$1 log=$2 status=0

	shift 2
	"$cloister" verify "$v/cos-113-tdx-quote.dat" --tee tdx --json \
		--eventlog "$log" --time 1782864000 \
		--report-data "$(od -An -v -tx1 "$v/nonce.dat" | tr -d ' \n')" \
		"$@" >"$dir/json" 2>"$dir/err" || status=$?
	[ "$status" = "$want" ] ||
		fail "exit $status, not $want: $(cat "$dir/err")"
}

# says AUTHENTIC CLAIM: CLAIM is a refused row of the log, or "none".
says() {
	local refused='"claim":"eventlog[^}]*"ok":false'

	grep -q "^{\"authentic\":$1," "$dir/json" || fail "$(cat "$dir/json")"
	if [ "$2" = none ]; then
		! grep -q "$refused" "$dir/json" || fail "$(cat "$dir/json")"
	else
		grep -q "\"claim\":\"$2\"[^}]*\"ok\":false" "$dir/json" ||
			fail "not refused by $2: $(cat "$dir/json")"
	fi
}

log=$v/ccel_data.dat
records "$log" >"$dir/records"
[ "$(wc -l <"$dir/records")" -gt 20 ] || fail 'no records to replay'

# ---- the same registers by another hand -----------------------------------

for i in 0 1 2 3; do
	head -c 48 /dev/zero >"$dir/rtmr$i"
done
while read -r reg _ digest; do
	{
		cat "$dir/rtmr$reg"
		perl -e 'print pack("H*", shift)' "$digest"
	} | openssl dgst -sha384 -binary >"$dir/next"
	mv "$dir/next" "$dir/rtmr$reg"
done <"$dir/records"

# Without collateral it is genuine and not accepted, whatever the log says.
verify 1 "$log"
says true none
python3 - "$dir" <<-'PY' || fail 'other registers than those of openssl'
	import json, sys
	d = json.load(open(sys.argv[1] + '/json'))
	regs = d['fields']['eventlog']['registers']
	rows = {c['claim']: c for c in d['claims']}
	for i in range(4):
	    want = open('%s/rtmr%d' % (sys.argv[1], i), 'rb').read().hex()
	    assert regs['RTMR%d' % i] == want
	    assert d['fields']['quote']['rtmr%d' % i] == want
	    assert rows['eventlog.rtmr%d' % i]['ok']
	texts = [e['text'] for e in d['fields']['eventlog']['events']
	    if e.get('digest_is_of_text')]
	assert any(t.startswith('kernel_cmdline: ') for t in texts)
PY

# ---- what is not the log of this quote --------------------------------------

# One bit of each digest, in files of their own.
mkdir "$dir/flipped"
python3 -c 'import sys
log, to = open(sys.argv[1], "rb").read(), sys.argv[2]
for line in open(sys.argv[3]):
    at = int(line.split()[1]) + 17
    with open("%s/%s" % (to, line.split()[1]), "wb") as f:
        f.write(log[:at] + bytes([log[at] ^ 4]) + log[at + 1:])
' "$log" "$dir/flipped" "$dir/records"
while read -r reg at _; do
	verify 1 "$dir/flipped/$at"
	says false "eventlog.rtmr$reg"
done <"$dir/records"

head -c 18000 "$log" >"$dir/log"
verify 1 "$dir/log"
says false eventlog
: >"$dir/log"
verify 1 "$dir/log"
says false eventlog
# Longer than any log, all padding; and a file that is none.
{
	cat "$log"
	head -c 1048576 /dev/zero
} >"$dir/log"
"$cloister" verify "$v/cos-113-tdx-quote.dat" --tee tdx \
	--eventlog "$dir/log" >/dev/null 2>"$dir/err" && fail 'a giant is taken'
grep -q 'event log' "$dir/err" || fail "$(cat "$dir/err")"
"$cloister" verify "$v/cos-113-tdx-quote.dat" --tee tdx \
	--eventlog "$dir/none" >/dev/null 2>"$dir/err" && fail 'no file is taken'
grep -q 'event log' "$dir/err" || fail "$(cat "$dir/err")"

# A page shows it.
verify 1 "$log"
"$cloister" verify "$v/cos-113-tdx-quote.dat" --tee tdx --html \
	--eventlog "$log" >"$dir/html" 2>/dev/null && fail 'accepted'
grep -q '<h2>Event log</h2>' "$dir/html" || fail 'a page without the log'
grep -q 'EV_EFI_BOOT_SERVICES_APPLICATION' "$dir/html" ||
	fail 'a page without records'
echo ok
