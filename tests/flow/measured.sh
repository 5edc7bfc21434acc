#!/bin/bash
# cluster: none
# transports: ring
# seconds: 300
#
# The agent measures itself: each start with another binary or configuration
# is in a register of the guest and in the log beside its evidence; a restart
# is not, whatever ended the one before. What a register and a log should be is
# computed here from the files alone.
# shellcheck source=guest_lib.sh
. "$(dirname "$0")/guest_lib.sh"
cd "$(dirname "$0")/../.."
guest_cluster
# shellcheck source=lib.sh
. tests/flow/lib.sh
trap 'status=$?; guest_end || true; exit $status' EXIT

cloister init >/dev/null
conf=$CLOISTER_TMP/primary/cloister.conf
log=$CLOISTER_TMP/primary/agent.log

# started FILE: what one more start adds to the history of this guest.
started() {
	local binary config

	binary=$(sha256sum <"$CLOISTER_TMP/bin/cloisterd" | cut -d' ' -f1)
	config=$(sha256sum <"$conf" | cut -d' ' -f1)
	printf 'cloister start {"binary":"%s","config":"%s"}\n' \
		"$binary" "$config" >>"$1"
}

# The history in a file is that in the evidence's log, and gives the register;
# 'none' in its place: there is no log in the evidence.
must_tell() {
	python3 - "$1" "$2" "$3" <<-'PY' || fail "$guest: $2: not as expected"
		import base64, hashlib, json, struct, sys
		kind, history, report = sys.argv[1:]
		name, size = {"tdx": ("sha384", 48), "csv": ("sm3", 32)}[kind]
		def h(*p): return hashlib.new(name, b"".join(p)).digest()
		def raw(record):
		    return base64.urlsafe_b64decode(record[1] + "===")
		doc = json.load(open(report))
		came = raw(doc["evidence"])
		at = 48 + 328 + 3 * 48 if kind == "tdx" else 0xd0 + 4 * 32
		register = came[at:at + size]
		if history == "none":
		    assert "eventlog" not in doc, "there is a log"
		    sys.exit(0)
		value, events = bytes(size), []
		for line in open(history):
		    text = line.rstrip("\n").encode()
		    events.append(struct.pack("<II", 0x4141454c, len(text)) + text)
		    value = h(value, h(events[-1]))
		assert value == register, (value.hex(), register.hex())
		log = raw(doc["eventlog"])
		at, found = 32 + struct.unpack_from("<I", log, 28)[0], []
		while at < len(log):
		    reg, kind_, n = struct.unpack_from("<III", log, at)
		    assert n == 1, n
		    at += 12 + 2 + size
		    n, = struct.unpack_from("<I", log, at)
		    if reg == 4:
		        assert kind_ == 6, kind_
		        assert log[at - size:at] == h(log[at + 4:at + 4 + n])
		        found.append(log[at + 4:at + 4 + n])
		    at += 4 + n
		assert found == events, (found, events)
	PY
}

# What --check-config says about it.
explains() {
	"$CLOISTER_TMP/bin/cloisterd" --check-config --config "$conf" \
		>"$WORK/out" || fail "--check-config: $(cat "$WORK/out")"
	grep -qF "measured start = $1" "$WORK/out" ||
		fail "expected $1 from --check-config: $(cat "$WORK/out")"
}

# accepted ROW: the owner who wants the agent's starts takes this evidence, or
# refuses it for that row.
accepted() {
	local status=0

	[ -z "$1" ] || status=1
	guest_report "$guest/report"
	judged "$status" true "$tcb" "$1" "$guest/report" --nonce "$nonce" \
		--endorsements "$guest/endorsements" --policy "$WORK/policy"
}

# A policy that takes any software, as long as it was measured.
want_starts() {
	python3 - "$policy" "$1" >"$WORK/policy" <<-'PY'
		import json, sys
		p = json.load(open(sys.argv[1]))
		p["allow_unknown_software"] = True
		p.setdefault(sys.argv[2], {})["eventlog"] = {
		    "require": True, "agent": True}
		print(json.dumps(p))
	PY
}

# It is in the agent's log, now or soon.
logged() {
	wait_for 30 grep -q "$1" "$log" || fail "'$1' is not in $(cat "$log")"
}

restart() {
	agent_stop primary
	guest_agent
}

# A policy made of this guest pins no register that each start changes, yet
# says all that may be in it.
pins_no_start() {
	local kind=$1 register=rtmr$2 made=$WORK/made.$1 word=$tcb

	rm -f "$made"
	cloister policy init --from "$guest/report" --nonce "$nonce" \
		--endorsements "$guest/endorsements" --policy "$policy" \
		--out "$made" >/dev/null
	python3 - "$made" "$kind" "$register" <<-'PY' || fail "$(cat "$made")"
		import json, sys
		p = json.load(open(sys.argv[1]))[sys.argv[2]]
		register = sys.argv[3]
		assert register not in p and "rtmr2" in p
		assert p["eventlog"] == {"require": True, "agent": True,
		    "only": [register]}, p["eventlog"]
	PY
	# It has a least version now.
	[ "$kind" != csv ] || word=ok
	judged 0 true "$word" '' "$guest/report" --nonce "$nonce" \
		--endorsements "$guest/endorsements" --policy "$made"
}

# measured NAME KIND REGISTER TCB OPTION...
measured() {
	local name=$1 kind=$2 register=$3 history=$WORK/$1

	say "$name"
	tcb=$4
	shift 4
	guest_begin "$name" "$kind" "$@"
	explains "$register: through "
	logged "measured: $register extended"
	started "$history"
	want_starts "$kind"
	accepted ''
	must_tell "$kind" "$history" "$guest/report"
	pins_no_start "$kind" "${register: -1}"

	restart
	logged "measured: $register holds"
	agent_crash primary
	guest_agent
	accepted ''
	must_tell "$kind" "$history" "$guest/report"

	printf '# another configuration\n' >>"$conf"
	restart
	started "$history"
	accepted ''
	must_tell "$kind" "$history" "$guest/report"
	! grep -q 'goes without' "$log" || fail "$(cat "$log")"
}

# Nobody knows what somebody else measured: no log, no false one, and one word
# about it.
stranger() {
	say "a stranger extends the register"
	head -c 48 /dev/urandom >"$WORK/digest"
	dd if="$WORK/digest" bs=48 status=none \
		of="$guest/guest/measurements/rtmr3:sha384"
	accepted eventlog
	accepted eventlog
	must_tell tdx none "$guest/report"
	expect 1 "$(grep -c 'evidence goes without an event log' "$log")" \
		"warnings"
	logged 'eventlog.rtmr3'
}

# What cannot be measured is said, and serves.
unmeasured() {
	say "a kernel without measurement files"
	sed -i "s|^tdx_measurements = .*|tdx_measurements = $WORK/none|" "$conf"
	restart
	explains 'none: RTMR3 cannot be extended'
	logged 'not measured: RTMR3'
	guest_report "$guest/report"
	judged 0 true "$tcb" '' "$guest/report" --nonce "$nonce" \
		--endorsements "$guest/endorsements" --policy "$WORK/lenient"
}

measured tdx tdx RTMR3 UpToDate --tsm --version 4
python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
del p["tdx"]["eventlog"]
print(json.dumps(p))' "$WORK/policy" >"$WORK/lenient"
stranger
unmeasured

guest_may_trace || skip 'no CAP_SYS_PTRACE, so no fake devices; TDX ran'
measured csv csv 'CSV register 4' unpublished --version 2
