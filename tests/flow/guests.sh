#!/bin/bash
# cluster: none
# transports: ring
# seconds: 300
#
# The whole path of the product on guests of every kind: the agent finds out
# where it is, gives evidence that a vendor signed, the owner verifies it, makes
# a policy of it, provisions, and a query runs. Guest and vendor are fakes whose
# root only the owner's policy names (tests/fake/guest.c): the programs are
# those that are shipped.
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
group names --ops all
sql 'CREATE TABLE plain (id int, pay int, name text)' >/dev/null
sql "INSERT INTO plain SELECT i, 1000 + i * 137 % 900, 'name ' || i
	FROM generate_series(1, 40) i"
psql_plain --csv -c 'SELECT * FROM plain' >"$WORK/plain.csv"
cloister encrypt --csv --columns 2:int4:pay,3:text:names \
	<"$WORK/plain.csv" >"$WORK/cells.csv"

range="FROM %s WHERE pay >= %s AND pay < %s ORDER BY pay, id"

# What PostgreSQL says of the plain values.
# shellcheck disable=SC2059 # a format of ours
psql_plain --csv -c "SELECT id, pay, name $(printf "$range" plain 1200 1500)" \
	>"$WORK/want"
[ "$(wc -l <"$WORK/want")" -gt 3 ] || fail "nothing to compare"

# The same of cells, in a table of their own.
query() {
	local low high

	low=$(lit pay int4 1200)
	high=$(lit pay int4 1500)
	sql "CREATE TABLE $1 (id int, pay enc_int4('pay'),
		name enc_text('names'))" >/dev/null
	{
		opening
		echo "\\copy $1 FROM '$WORK/cells.csv' CSV"
		# shellcheck disable=SC2059
		echo "COPY (SELECT id, pay, name $(printf "$range" "$1" "$low" \
			"$high")) TO STDOUT CSV;"
	} | psql_plain >"$WORK/got.cells"
	! grep -q 'name' "$WORK/got.cells" || fail "a plain value in an answer"
	cloister decrypt --csv <"$WORK/got.cells" >"$WORK/got"
	cmp -s "$WORK/want" "$WORK/got" ||
		fail "$1: $(diff "$WORK/want" "$WORK/got")"
}

# prove UNTRUSTED TCB: evidence, policy, keys, a query, in the guest in use.
# UNTRUSTED is the row by which a verifier that does not know its root refuses.
prove() {
	local untrusted=$1 tcb=$2 e=$guest/endorsements

	guest_report "$guest/report"
	# The program as it is shipped trusts the vendors' roots and no other.
	printf '{"v":1}' >"$WORK/none"
	judged 1 false unknown "$untrusted" "$guest/report" --nonce "$nonce" \
		--endorsements "$e" --policy "$WORK/none"
	! guest_accept "$guest/report" "$WORK/none" 2>/dev/null ||
		fail "a policy out of evidence that nobody vouches for"
	guest_accept "$guest/report" "$policy"
	# Other evidence than the one that the policy was made of.
	guest_report "$guest/report"
	judged 0 true "$tcb" '' "$guest/report" --nonce "$nonce" \
		--endorsements "$e"
	! grep -q 'd: measured: .* extended with' "$CLOISTER_TMP/primary/agent.log" ||
		says_it_started
	guest_has no
	cloister provision --endorsements "$e" >"$WORK/out" 2>&1 ||
		fail "provision: $(cat "$WORK/out")"
	guest_has yes
	query "${guest##*/}"
	# An agent that only starts again changes no register.
	agent_stop primary
	guest_agent
	guest_report "$guest/report"
	judged 0 true "$tcb" '' "$guest/report" --nonce "$nonce" \
		--endorsements "$e"
}

# The log tells of this agent's start, and gives the quoted register.
says_it_started() {
	python3 - "$WORK/json" <<-'PY' || fail "${guest##*/}: not in the log"
		import json, sys
		rows = {r["claim"]: r["ok"] for r in json.load(open(sys.argv[1]))["claims"]}
		assert rows["eventlog.agent"] and rows["eventlog.starts"], rows
	PY
}

# path NAME KIND SAYS UNTRUSTED TCB OPTION...
path() {
	local name=$1 kind=$2 says=$3 untrusted=$4 tcb=$5

	shift 5
	say "$name"
	guest_begin "$name" "$kind" "$@"
	guest_says "auto: $kind" "$says"
	prove "$untrusted" "$tcb"
}

# The guest's sealing key is in what the device gives, and not in evidence.
sealing_key_stays() {
	python3 - "$guest/guest/dev/csv-guest" "$guest/report" <<-'PY' ||
		import base64, ctypes, fcntl, hashlib, json, mmap, re, struct, sys
		page = mmap.mmap(-1, 4096)
		request = bytes(64) + b"m" * 16
		request += hashlib.new("sm3", request).digest()
		page[:112] = request
		at = ctypes.addressof(ctypes.c_char.from_buffer(page))
		with open(sys.argv[1], "r+b", buffering=0) as device:
		    fcntl.ioctl(device, 0xC0104401, struct.pack("QII", at, 4096, 0))
		key = page[0x9b4:0x9d4]
		assert any(key), "the fake has no sealing key"
		raw = json.load(open(sys.argv[2]))["evidence"][1]

		raw = base64.urlsafe_b64decode(raw + "===")
		assert len(raw) > 2000 and key not in raw
		at = 0x9b4 if len(raw) < 3000 else 0xcf4
		assert raw[at:at + 32] == bytes(32)
	PY
		fail "$guest: the sealing key"
}

tsm=guest/report
path snp_tsm snp "$CLOISTER_TMP/snp_tsm/$tsm has provider sev_guest" \
	chain ok --tsm
path tdx_tsm tdx "$CLOISTER_TMP/tdx_tsm/$tsm has provider tdx_guest" \
	tdx.pck.chain UpToDate --tsm --version 4
path tdx_tsm5 tdx "$CLOISTER_TMP/tdx_tsm5/$tsm has provider tdx_guest" \
	tdx.pck.chain UpToDate --tsm --version 5 --pad 39

# ---- a TPM that nothing endorses, whose key the owner has enrolled ----------

say tpm
guest_tpm tpm primary
# Alone: no resource manager keeps two users of this TPM apart.
agent_stop primary
guest_says "tpm: tpm" "the TPM answers"
guest_agent
guest_report "$guest/report"
guest_enrol "$guest/report" >"$policy"
prove ak.pinned ''

# ---- devices ----------------------------------------------------------------

guest_may_trace || skip 'no CAP_SYS_PTRACE, so no fake devices; configfs-tsm ran'
dev=guest/dev
path snp_device snp "$CLOISTER_TMP/snp_device/$dev/sev-guest is there" \
	chain ok --product 2
path tdx_device tdx "$CLOISTER_TMP/tdx_device/$dev/tdx_guest is there" \
	tdx.pck.chain UpToDate --version 5
path csv_v1 csv "$CLOISTER_TMP/csv_v1/$dev/csv-guest is there" \
	chain.root ok --version 1
sealing_key_stays
path csv_v2 csv "$CLOISTER_TMP/csv_v2/$dev/csv-guest is there" \
	chain.root ok --version 2
sealing_key_stays
