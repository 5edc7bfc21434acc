# shellcheck shell=bash
# What the scenarios with fake guests share. The first call of guest_cluster
# starts the scenario again, inside scripts/with-cluster, and for root in a
# mount namespace of its own, so that no mount is left behind however it ends.
#
#	$guest		folder of the guest in use (tests/fake/guest.c)
#	$policy		what the owner's policy is made of: the guest's own root

guest_cluster() {
	[ -z "${CLOISTER_TMP-}" ] || return 0
	local scenario=$0

	if [ ! -r /dev/fuse ] || [ ! -w /dev/fuse ]; then
		echo 'skipped: no /dev/fuse, so no fake guest'
		exit 77
	fi
	export CLOISTER_BARE=1
	if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
		exec unshare -m --propagation private \
			scripts/with-cluster "$scenario"
	fi
	exec scripts/with-cluster "$scenario"
}

# The devices read the agent's memory, as the kernel's drivers do.
guest_may_trace() {
	local capabilities

	capabilities=0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
	((capabilities >> 19 & 1)) # CAP_SYS_PTRACE
}

guest_is_there() { mountpoint -q "$guest/guest"; }

guest_up_or_dead() { guest_is_there || pid_gone "$guest/guest.pid"; }

# Not every machine lets a test mount.
guest_failed() {
	! grep -q '^fuse' "$guest/guest.log" ||
		skip "no FUSE mount: $(tail -n 1 "$guest/guest.log")"
	log_tail "$guest/guest.log"
	fail 'the fake guest does not start'
}

# guest_begin NAME KIND OPTION...: a machine of its own vendor, and the agent
# in it. Whatever ran before is stopped.
guest_begin() {
	local name=$1 kind=$2

	shift 2
	guest_end
	guest=$CLOISTER_TMP/$name
	policy=$guest/roots.json
	mkdir -m 711 "$guest"
	daemon "$(id -un)" TERM "$guest/guest.pid" "$guest/guest.log" \
		"$BUILD/fake/guest" --kind "$kind" "$@" "$guest"
	wait_for 30 guest_up_or_dead || true
	guest_is_there || guest_failed
	guest_configure >"$CLOISTER_TMP/primary/cloister.conf"
	guest_agent
}

guest_configure() {
	agent_config primary | sed 's/^tee = sim/tee = auto/'
	cat <<-CONF
		[tsm]
		root = $guest/guest/report

		[devices]
		sev_guest = $guest/guest/dev/sev-guest
		tdx_guest = $guest/guest/dev/tdx_guest
		csv_guest = $guest/guest/dev/csv-guest
		tdx_quotes = $guest/quotes
		tdx_measurements = $guest/guest/measurements
		ccel = $guest/ccel
		runtime_log = $guest/eventlog
	CONF
}

# guest_tpm NAME NODE: no TEE but the TPM of that node.
guest_tpm() {
	guest_end
	guest=$CLOISTER_TMP/$1
	policy=$guest/pinned.json
	mkdir -m 711 "$guest" "$guest/endorsements"
	{
		agent_config primary | sed 's/^tee = sim/tee = tpm/'
		cat <<-CONF
			[tpm]
			tcti = $(tpm_tcti "$2")
			eventlog =

			[devices]
			runtime_log = $CLOISTER_TMP/$2/eventlog
		CONF
	} >"$CLOISTER_TMP/primary/cloister.conf"
	guest_agent
}

# guest_enrol FILE: a policy that knows the TPM which signed this.
guest_enrol() {
	python3 - "$1" <<-'PY'
		import base64, hashlib, json, sys
		raw = json.load(open(sys.argv[1]))["evidence"][1]
		b64 = lambda s: base64.urlsafe_b64decode(s + "===")
		ak = b64(json.loads(b64(raw))["ak_public"])
		name = "000b" + hashlib.sha256(ak).hexdigest()
		print(json.dumps({"v": 1, "tpm": {"ak_name": [name]}}))
	PY
}

guest_agent() {
	: >"$CLOISTER_TMP/primary/agent.log"
	agent_start primary
	node_use primary
}

guest_end() {
	# Before the agent, which may be waiting for it.
	[ -z "${guest-}" ] || pid_stop "$guest/guest.pid" TERM 10
	# What crashed has left its mount.
	[ -z "${guest-}" ] || ! guest_is_there || umount -l "$guest/guest"
	agent_stop primary
}

# guest_how OPTION...: how it behaves from now on; nothing: well.
guest_how() {
	printf '%s\n' "$*" >"$guest/how.new"
	mv "$guest/how.new" "$guest/how"
}

# guest_says TEE TEXT: what --check-config finds, and why.
guest_says() {
	local said

	said=$("$CLOISTER_TMP/bin/cloisterd" --check-config \
		--config "$CLOISTER_TMP/primary/cloister.conf") ||
		fail "--check-config: $said"
	grep -qF "tee = $1: $2" <<<"$said" ||
		fail "expected $1 ($2) from --check-config: $said"
}

# guest_report FILE: evidence for a fresh nonce; $nonce.
guest_report() {
	nonce=$(openssl rand -hex 32)
	cloister report --socket "$CLOISTER_SOCKET" --nonce "$nonce" -o "$1"
}

# judged STATUS AUTHENTIC TCB ROW FILE OPTION...: what cloister verify says, as
# exit code, and in JSON; ROW is the first that is refused, '' for none.
judged() {
	local status=0 want=$1 authentic=$2 tcb=$3 row=$4 file=$5

	shift 5
	cloister verify "$file" --json "$@" >"$WORK/json" 2>"$WORK/err" ||
		status=$?
	[ "$status" = "$want" ] ||
		fail "$file: exit $status, not $want: $(cat "$WORK/err" \
			"$WORK/json")"
	python3 - "$WORK/json" "$authentic" "$tcb" "$row" <<-'PY' ||
		import json, sys
		d = json.load(open(sys.argv[1]))
		bad = [r["claim"] for r in d["claims"] if not r["ok"]]
		got = [str(d["authentic"]).lower(), d["tcb"], (bad + [""])[0]]
		assert got == sys.argv[2:5], (got, sys.argv[2:5])
		assert d["accepted"] == (not bad)
	PY
		fail "$file: not as expected"
}

# guest_accept FILE POLICY: the owner takes over what `policy init` makes of
# this evidence, and of a policy to begin with.
guest_accept() {
	rm -f "$guest/policy.json"
	cloister policy init --from "$1" --nonce "$nonce" --policy "$2" \
		--endorsements "$guest/endorsements" \
		--out "$guest/policy.json" >/dev/null || return 1
	cp "$guest/policy.json" "$CLOISTER_HOME/policy.json"
}

# not_provisioned ROW [OPTION...]: refused, by that row of the same list as
# verify's. guest_has tells whether something was sent all the same.
not_provisioned() {
	local row=$1 out status=0

	shift
	out=$(cloister provision "$@" 2>&1) || status=$?
	printf "%s\n" "$out" >"$WORK/provisioned"
	expect 1 "$status" "provision: $out"
	grep -qF 'no key was sent' <<<"$out" || fail "provision: $out"
	expect "$row" "$(first_refused <<<"$out")" "provision: $out"
}

first_refused() { awk '$NF == "REFUSED" { print $1; exit }'; }

# guest_has yes|no: does the agent hold the owner's keys?
guest_has() {
	local out said='keys in the agent  yes'

	[ "$1" = yes ] || said='tenant key is not in the agent'
	out=$(cloister status --endorsements "$guest/endorsements" 2>&1) || true
	grep -qF "$said" <<<"$out" ||
		fail "expected keys in the agent: $1: $out"
}
