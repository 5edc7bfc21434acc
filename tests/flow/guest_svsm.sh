#!/bin/bash
# cluster: none
# transports: ring
# seconds: 180
#
# An SVSM that holds the guest's TPM: its report speaks for the endorsement key
# alone, so the owner's side has the TPM open what is sealed to that key and to
# the key of the quote, in the same `cloister provision`, before it believes
# any PCR. Guest and vendor are fakes (tests/fake/guest.c), the TPM is a swtpm,
# its endorsement key is told by tpm2-tools.
# shellcheck source=guest_lib.sh
. "$(dirname "$0")/guest_lib.sh"
cd "$(dirname "$0")/../.."
guest_cluster
# shellcheck source=lib.sh
. tests/flow/lib.sh
trap 'status=$?; guest_end || true; exit $status' EXIT

sql 'CREATE EXTENSION cloister' >/dev/null
cloister init >/dev/null
e=$CLOISTER_TMP/endorse

# manifest NODE FILE: what an SVSM with this node's TPM says of it, which is the
# public area of its endorsement key: TPM2B_PUBLIC without the size.
manifest() {
	rm -f "$WORK/ek"
	tpm2_createek -T "$(tpm_tcti "$1")" -G rsa -c "$WORK/ek.ctx" \
		-u "$WORK/ek" >/dev/null
	tail -c +3 "$WORK/ek" >"$2"
}

# begin NAME MANIFEST: a guest with this SVSM, and an agent that has the TPM of
# node primary.
begin() {
	guest_begin "$1" snp --tsm --floor 2 --svsm "$2"
	e=$guest/endorsements
	agent_stop primary
	{
		guest_configure | sed 's/^tee = auto/tee = tpm/'
		cat <<-CONF
			[tpm]
			tcti = $(tpm_tcti primary)
			eventlog =
		CONF
	} >"$CLOISTER_TMP/primary/cloister.conf"
	guest_agent
}

# The owner knows the SVSM's measurement and what the guest's TPM has of the
# kernel; the vendor's root is the fake's.
owners_policy() {
	python3 - "$policy" "$1" <<-'PY' >"$CLOISTER_HOME/policy.json"
		import base64, json, sys
		p = json.load(open(sys.argv[1]))
		raw = json.load(open(sys.argv[2]))["evidence"][1]
		b64 = lambda s: base64.urlsafe_b64decode(s + "===")
		doc = json.loads(b64(raw))
		p["snp"] = {"measurement":
		    [b64(doc["svsm_report"])[0x90:0xc0].hex()]}
		p["tpm"] = {"pcrs": {i: [doc["pcrs"][i]] for i in ("4", "11")}}
		json.dump(p, sys.stdout)
	PY
}

say 'a TPM of the SVSM'
manifest primary "$WORK/manifest"
begin svsm "$WORK/manifest"
guest_report "$guest/report"
owners_policy "$guest/report"
# Who only looks at it has no proof of the quote's key.
judged 1 false unknown svsm.ak "$guest/report" --nonce "$nonce" \
	--endorsements "$e"
guest_has no
cloister provision --endorsements "$e" >"$WORK/out" 2>&1 ||
	fail "provision: $(cat "$WORK/out")"
for row in svsm.vmpl svsm.report_data svsm.ak svsm.request pcr4 pcr11; do
	grep -q "^ *$row .* ok\$" "$WORK/out" ||
		fail "$row: $(cat "$WORK/out")"
done
guest_has yes

say 'what the SVSM did not say'
sed -i 's/"4": \["./"4": ["f/' "$CLOISTER_HOME/policy.json"
not_provisioned pcr4 --endorsements "$e"
owners_policy "$guest/report"
guest_how --other
not_provisioned measurement --endorsements "$e"
guest_how --lie
! cloister provision --endorsements "$e" >"$WORK/out" 2>&1 ||
	fail 'a report about something else was taken'
grep -q 'other data or another manifest' "$WORK/out" ||
	fail "$(cat "$WORK/out")"
guest_how

# The guest's own kernel cannot have another TPM vouched for: the SVSM's EK is
# in no TPM that it can reach.
say 'a TPM beside it'
mkdir -p "$CLOISTER_TMP/other/tpm"
touch "$CLOISTER_TMP/other/tpm.log"
tpm_start other
manifest other "$WORK/manifest.other"
tpm_stop other
begin beside "$WORK/manifest.other"
guest_report "$guest/report"
owners_policy "$guest/report"
! cloister provision --endorsements "$e" >"$WORK/out" 2>&1 ||
	fail "keys for a TPM that is not the SVSM's: $(cat "$WORK/out")"
grep -q 'not for the keys of this TPM' "$WORK/out" || fail "$(cat "$WORK/out")"
