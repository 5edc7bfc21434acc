#!/bin/bash
# cluster: none
# transports: ring
# seconds: 120
#
# `cloister verify` on AMD's own reports, as somebody runs it who owns nothing:
# results, exit codes, mutations. Needs shared/evidence (CLOISTER_EVIDENCE, or
# a folder beside the repository) and is skipped without.
set -euo pipefail
cd "$(dirname "$0")/../.."

cloister=${CLOISTER:-build/release/cloister}
find_vectors() {
	local at=.

	if [ -n "${CLOISTER_EVIDENCE:-}" ]; then
		printf '%s' "$CLOISTER_EVIDENCE/vectors/snp"
		return
	fi
	while [ "$(realpath "$at")" != / ]; do
		[ ! -d "$at/shared/evidence" ] || break
		at=$at/..
	done
	printf '%s' "$at/shared/evidence/vectors/snp"
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

# endorse FILE...: the folder e with these only.
endorse() {
	rm -rf "$dir/e"
	mkdir "$dir/e"
	cp "$@" "$dir/e"
}

# expect STATUS AUTHENTIC TCB REFUSED REPORT OPTION...
expect() {
	local status=0 want=$1 authentic=$2 tcb=$3 refused=$4 report=$5

	shift 5
	"$cloister" verify "$report" --tee snp --endorsements "$dir/e" --json \
		"$@" >"$dir/json" 2>"$dir/err" || status=$?
	[ "$status" = "$want" ] ||
		fail "$report: exit $status, not $want: $(cat "$dir/err")"
	python3 - "$dir/json" "$authentic" "$tcb" "$refused" <<-'PY' ||
		import json, sys
		d = json.load(open(sys.argv[1]))
		assert list(d)[:4] == ["authentic", "tcb", "accepted", "claims"], d
		assert d["authentic"] == (sys.argv[2] == "true"), d
		assert d["tcb"] == sys.argv[3], d
		bad = [r["claim"] for r in d["claims"] if not r["ok"]]
		assert d["accepted"] == (not bad)
		assert (bad[:1] or [""])[0] == sys.argv[4], bad
	PY
		fail "$report: unexpected result"
}

# patch FILE OFFSET ADD: a copy with that byte changed.
patch() {
	python3 - "$1" "$2" "$3" >"$dir/patched" <<-'PY'
		import sys
		b = bytearray(open(sys.argv[1], "rb").read())
		i = int(sys.argv[2], 0)
		b[i] = (b[i] + int(sys.argv[3])) % 256
		sys.stdout.buffer.write(b)
	PY
}

t=(--time 2026-07-01T00:00Z)
endorse "$v/gosev-vcek.der" "$v/roots/ask_ark_milan.pem"
expect 1 true ok policy.debug "$v/gosev-report.bin" "${t[@]}"
endorse "$v/trustee-e2e-vcek.der" "$v/roots/ask_ark_genoa.pem"
expect 0 true ok '' "$v/trustee-e2e-report-v3.bin" --time 1782864000
endorse "$v/ms-genoa-vcek.der" "$v/roots/ask_ark_genoa.pem"
expect 0 true ok '' "$v/ms-genoa-report.bin" "${t[@]}"
endorse "$v/ms-turin-vcek.der" "$v/roots/ask_ark_turin_vcek.pem"
expect 0 true ok '' "$v/ms-turin-report.bin" "${t[@]}"
endorse "$v/trustee-vlek.der" "$v/roots/ask_ark_milan_vlek.pem"
expect 1 true provisional vmpl "$v/trustee-vlek-report.bin" --time 1751328000
expect 1 false unknown chain "$v/trustee-vlek-report.bin" "${t[@]}"
endorse "$v/trustee-vlek.der" "$v/roots/ask_ark_milan.pem"
expect 1 false unknown chain "$v/trustee-vlek-report.bin" --time 1751328000
echo 'ok: results of the vendors reports'

endorse "$v/az-v0-vcek.der" "$v/roots/ask_ark_milan.pem" \
	"$v/roots/milan.crl.der"
data=af2910341dd8108360e485f1b72494255190b9cdd5ccb44b73b883037cf99f21
expect 0 true ok '' "$v/az-v0-report.bin" "${t[@]}" --report-data $data
expect 1 false unknown report_data "$v/az-v0-report.bin" "${t[@]}" \
	--report-data "${data}01"
expect 1 true ok chain.revocation_list "$v/az-v0-report.bin" \
	--time 2026-09-01T00:00:00Z
printf '{"v":1,"snp":{"min_tcb":{"milan":{"ucode":220}}}}' >"$dir/policy"
expect 1 true 'out of date' tcb.reported "$v/az-v0-report.bin" "${t[@]}" \
	--policy "$dir/policy"
printf '{"v":1,"snp":{"allow_debugging":true}}' >"$dir/policy"
said=$("$cloister" verify "$v/az-v0-report.bin" --tee snp --policy \
	"$dir/policy" 2>&1) && fail 'a typing error is accepted'
grep -qF '"allow_debugging"' <<<"$said" || fail "no name in: $said"
echo 'ok: report data, revocation list, policy'

endorse "$v/virtee-vcek-milan.der" "$v/roots/ask_ark_milan.pem"
r=$v/virtee-report-milan.bin
expect 0 true ok '' "$r" "${t[@]}"
patch "$r" 42 1
expect 1 false unknown report.signature "$dir/patched" "${t[@]}"
patch "$r" 0x90 1
expect 1 false unknown report.signature "$dir/patched" "${t[@]}"
patch "$r" 384 1
expect 1 false unknown report.signature "$dir/patched" "${t[@]}"
patch "$v/virtee-vcek-milan.der" 42 1
endorse "$dir/patched" "$v/roots/ask_ark_milan.pem"
"$cloister" verify "$r" --tee snp --endorsements "$dir/e" "${t[@]}" \
	>/dev/null 2>&1 && fail 'a changed VCEK is accepted'
endorse "$v/virtee-vcek-milan.der" "$v/roots/ask_ark_genoa.pem"
expect 1 false unknown chain "$r" "${t[@]}"
head -c 1000 "$r" >"$dir/patched"
expect 1 false unknown report.form "$dir/patched" "${t[@]}"
: >"$dir/patched"
expect 1 false unknown report.form "$dir/patched" "${t[@]}"
echo 'ok: mutations are refused'

# usage STATUS OPTION...
usage() {
	local status=0 want=$1

	shift
	"$cloister" verify "$r" "$@" >/dev/null 2>&1 </dev/null || status=$?
	[ "$status" = "$want" ] || fail "verify $*: exit $status, not $want"
}
usage 2 --tee enigma
usage 2 --tee snp --time yesterday
usage 2 --tee snp --report-data xyz
usage 2 --tee snp --report-data "$(printf '%0130d' 0)"
usage 2 --tee snp --nonce 12
usage 2 --tee snp --endorsements "$dir/none"
usage 2 --tee snp --policy "$dir/none"
r=$dir usage 2 --tee snp
r=$dir/none usage 2 --tee snp
usage 1
truncate -s 1G "$dir/huge"
expect 1 false unknown evidence "$dir/huge"
echo 'ok: wrong usage'
