#!/bin/bash
# cluster: none
# transports: ring
# seconds: 300
#
# Guests, hosts and vendors that are not what they should be: what the agent
# makes of a device that lies, and what the owner refuses, with the same list
# from verify and from provision, and no key sent. Every refusal stands beside
# the same thing accepted.
# shellcheck source=guest_lib.sh
. "$(dirname "$0")/guest_lib.sh"
cd "$(dirname "$0")/../.."
guest_cluster
# shellcheck source=lib.sh
. tests/flow/lib.sh
trap 'status=$?; guest_end || true; exit $status' EXIT

sql 'CREATE EXTENSION cloister' >/dev/null
cloister init >/dev/null
group pay --ops all
sql "CREATE TABLE t (pay enc_int4('pay'))" >/dev/null

# accepted GUEST OPTION...: its first report becomes the owner's policy.
accepted() {
	guest_begin "$@"
	e=$guest/endorsements
	guest_report "$guest/good"
	guest_accept "$guest/good" "$policy"
}

# refuses ROW: this guest, as it is now, by verify and by provision.
refuses() {
	local file=$WORK/refused

	guest_report "$file"
	not_verified "$1" "$file" --nonce "$nonce"
	not_provisioned "$1" --endorsements "$e"
	verdicts <"$WORK/verified" >"$WORK/verify.list"
	verdicts <"$WORK/provisioned" >"$WORK/provision.list"
	cmp "$WORK/verify.list" "$WORK/provision.list" || fail "$1: two lists"
}

# not_verified ROW FILE OPTION...
not_verified() {
	local row=$1 file=$2

	shift 2
	cloister verify "$file" --endorsements "$e" "$@" \
		>"$WORK/verified" 2>/dev/null && fail "$row: verify accepts"
	expect "$row" "$(first_refused <"$WORK/verified")" \
		"$(cat "$WORK/verified")"
}

verified() {
	cloister verify "$1" --nonce "$nonce" --endorsements "$e" \
		>"$WORK/verified" 2>&1 || fail "refused: $(cat "$WORK/verified")"
}

verdicts() { awk '/ (ok|REFUSED)$/ { print $1, $NF }'; }

# no_evidence TEXT: the agent gives none, and says why to whom asked and in its
# log.
no_evidence() {
	local out

	out=$(cloister report --socket "$CLOISTER_SOCKET" 2>&1) &&
		fail "evidence all the same: $1"
	grep -qF -- "$1" <<<"$out" || fail "no '$1' in: $out"
	grep -qF -- "$1" "$CLOISTER_TMP/primary/agent.log" ||
		fail "no '$1' in: $(tail -n 5 "$CLOISTER_TMP/primary/agent.log")"
}

# works: the positive control, after the attacks on this guest.
works() {
	guest_how
	guest_has no
	cloister provision --endorsements "$e" >/dev/null
	guest_has yes
}

# edit STATEMENT FILE: $WORK/edited is this envelope with its log changed.
edit() {
	python3 - "$1" "$2" >"$WORK/edited" <<-'PY'
		import base64, json, sys
		d = json.load(open(sys.argv[2]))
		record = d.pop("eventlog")
		log = bytearray(base64.urlsafe_b64decode(record[1] + "==="))
		exec(sys.argv[1])
		if log:
		    record[1] = base64.urlsafe_b64encode(log).decode().rstrip("=")
		    d["eventlog"] = record
		json.dump(d, sys.stdout, separators=(",", ":"))
	PY
}

# transplant FROM INTO: the evidence of one envelope in another.
transplant() {
	python3 -c 'import json, sys
a, b = (json.load(open(f)) for f in sys.argv[1:3])
b["evidence"] = a["evidence"]
json.dump(b, sys.stdout, separators=(",", ":"))' "$1" "$2"
}

say 'SNP: what is not the guest that was accepted'
accepted snp snp --tsm --product 1
guest_how --other
refuses measurement
guest_how --debug
refuses policy.debug
guest_how
not_verified nonce "$guest/good" --nonce "$(openssl rand -hex 32)"
guest_report "$guest/new"
transplant "$guest/good" "$guest/new" >"$WORK/replay"
not_verified report_data "$WORK/replay" --nonce "$nonce"

say 'SNP: a configfs-tsm that misbehaves'
guest_how --lie
no_evidence 'the SNP report answers other report data'
guest_how --fail 5
no_evidence 'cannot read outblob: Input/output error'
guest_how --race 99
no_evidence 'another process uses our request'
for how in '--chunk 7' '--busy 2' '--race 2' '--late 2' '--throttle 1500'; do
	guest_how "$how"
	guest_report "$WORK/file" || fail "not with $how"
	verified "$WORK/file"
done
guest_how --no-certs
guest_report "$WORK/file"
mkdir "$WORK/nothing"
e=$WORK/nothing not_verified vek "$WORK/file" --nonce "$nonce"
verified "$WORK/file"
works
genuine=$guest
osql "INSERT INTO t VALUES ($(lit pay int4 1)), ($(lit pay int4 2))"
guest_how --slow 120000
cloister report --socket "$CLOISTER_SOCKET" >"$WORK/slow" 2>&1 &
asked=$!
wait_for 60 test -e "$guest/asked" || {
	log_tail "$CLOISTER_TMP/primary/agent.log"
	log_tail "$guest/guest.log"
	fail "nobody asked the device: $(head -c 1000 "$WORK/slow")"
}
# More openings than a socket holds of the audit lines that they make.
for _ in $(seq 150); do
	opening
	echo 'SELECT count(*) FROM t WHERE pay >= pay;'
done | timeout 100 psql -qXAt -v ON_ERROR_STOP=1 >"$WORK/rows" ||
	fail "$(wc -l <"$WORK/rows") sessions while a device is slow"
expect 150 "$(grep -cx 2 "$WORK/rows")" 'sessions meanwhile'
kill -0 "$asked" || fail 'the device was not slow'
kill "$asked"

say 'SNP: another vendor'
guest_begin impostor snp --tsm
cp "$genuine/policy.json" "$CLOISTER_HOME/policy.json"
e=$guest/endorsements
refuses chain

say 'SNP: a device that misbehaves'
accepted snp_device snp
guest_how --lie
no_evidence 'answers other report data'
guest_how --silent
no_evidence 'expected 0 with 1184'
guest_how --fail 25
no_evidence 'key is gone until the next boot'
guest_how --fail 5
no_evidence 'Input/output error'
guest_how --debug
refuses policy.debug
works

say 'TDX: what is not the TD that was accepted'
accepted tdx tdx --tsm
guest_how --other
refuses tdx.mr_td
guest_how --debug
refuses tdx.debug
guest_how
# Genuine, but how old its TCB is, nobody says.
cp "$e"/c* "$WORK/nothing"
judged 1 true unknown tdx.tcb_info "$guest/good" \
	--endorsements "$WORK/nothing"
not_provisioned tdx.tcb_info --endorsements "$WORK/nothing"
guest_how --lie
no_evidence 'the quote answers other report data'
works
agent_stop primary
printf '# another one\n' >>"$CLOISTER_TMP/primary/cloister.conf"
guest_agent
refuses eventlog.starts

say 'TDX: a log that is not what was measured'
accepted tdx_log tdx --tsm
verified "$guest/good"
edit 'log = None' "$guest/good"
not_verified eventlog "$WORK/edited" --nonce "$nonce"
# Another text: its digest is still in the register, but is not of it.
edit 'log[log.index(b"start {")] ^= 1' "$guest/good"
not_verified eventlog.only.rtmr3 "$WORK/edited" --nonce "$nonce"
# Another digest, right before size and text of the agent's record.
edit 'log[log.index(b"LEAA") - 5] ^= 1' "$guest/good"
judged 1 false UpToDate eventlog.rtmr3 "$WORK/edited" --nonce "$nonce" \
	--endorsements "$e"
# Somebody else extends the register: the log no longer says what it holds.
dd if=/dev/urandom bs=48 count=1 status=none \
	of="$guest/guest/measurements/rtmr3:sha384" conv=notrunc
refuses eventlog

say 'TDX: a device and a quote service that misbehave'
accepted tdx_device tdx --version 5
guest_how --lie
no_evidence 'the report answers other report data'
guest_how --silent
no_evidence 'other report data'
guest_how --fail 5
no_evidence 'Input/output error'
guest_how --no-quotes
no_evidence 'the quote service: '
guest_how --old-quotes
no_evidence 'the quote answers other report data'
works

say 'CSV: what is not the guest that was accepted'
for version in 1 2; do
	accepted "csv$version" csv --version "$version"
	guest_how --other
	refuses measure
	guest_how --debug
	refuses policy.debug
	guest_how --lie
	no_evidence 'answers other user data'
	guest_how --silent
	no_evidence 'no CSV report'
	guest_how --fail 5 --positive
	no_evidence 'result 5'
	guest_how
	guest_report "$guest/new"
	transplant "$guest/good" "$guest/new" >"$WORK/replay"
	not_verified report_data "$WORK/replay" --nonce "$nonce"
	works
done

say 'TPM: another one than the owner enrolled'
guest_tpm tpm primary
guest_report "$guest/report"
guest_enrol "$guest/report" >"$policy"
guest_accept "$guest/report" "$policy"
e=$guest/endorsements
mkdir -p "$CLOISTER_TMP/other/tpm"
tpm_start other
guest_tpm tpm_other other
e=$guest/endorsements
refuses ak.pinned
# The same start as before, so PCR 15 is what it was.
guest_tpm tpm_again primary
works
