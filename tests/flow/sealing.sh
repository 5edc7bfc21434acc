#!/bin/bash
# The agent starts again without its owner, when the owner allowed it and the
# machine is the same; and says why when it cannot. A kill -9 at any moment of
# a state write leaves the old state or the new one.
# seconds: 240
. "$(dirname "$0")/lib.sh"
state=$CLOISTER_TMP/primary/agent
log=$CLOISTER_TMP/primary/agent.log

group ids --ops all
sql "CREATE TABLE t (id enc_int4('ids') PRIMARY KEY)" >/dev/null
osql "INSERT INTO t VALUES ($(lit ids int4 1)), ($(lit ids int4 2))"
serves() {
	[ "$(osql "SELECT count(*) FROM t WHERE id >= $(lit ids int4 1)")" = 2 ]
}
serves || fail "not even before"

restart() {
	agent_stop primary
	: >"$log"
	agent_start primary
}

say "a restart needs no owner"
restart
serves || fail "not after a restart: $(tail -n 5 "$log")"
agent_crash primary
agent_start primary
serves || fail "not after kill -9"
kill -s KILL "$(engine_pid primary)"
wait_for 60 serves || fail "the broker does not start the engine again"

say "an open session notices, and says so"
{
	opening
	cat <<-SQL
		SELECT 'before ' || count(*) FROM t WHERE id = id;
		\\! kill -s KILL $(engine_pid primary)
		\\set ON_ERROR_STOP 0
		SELECT 'lost ' || count(*) FROM t WHERE id >= $(lit ids int4 1);
		SELECT pg_sleep(2);
		SELECT 'none ' || count(*) FROM t WHERE id >= $(lit ids int4 1);
	SQL
	opening
	echo "SELECT 'again ' || count(*) FROM t WHERE id = id;"
} | psql_plain -v VERBOSITY=verbose >"$WORK/out" 2>&1 || true
grep -qx 'before 2' "$WORK/out" || fail "$(cat "$WORK/out")"
! grep -qE '^(lost|none) ' "$WORK/out" || fail "an answer without an engine"
grep -qE 'ERROR:  (08006|28000):' "$WORK/out" || fail "$(cat "$WORK/out")"
grep -qx 'again 2' "$WORK/out" || fail "not after reopening: $(cat "$WORK/out")"

say "what is sealed is not readable, and only the broker may look"
[ -z "$(find "$state" -type f -perm /077)" ] ||
	fail "open to others: $(find "$state" -type f -perm /077)"

say "kill -9 at any moment of a state write"
for i in $(seq 15); do
	cloister provision --seal >/dev/null 2>&1 &
	sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
	agent_crash primary
	wait $! || true
	agent_start primary
	serves || fail "round $i: $(tail -n 5 "$log")"
done
cloister provision --seal >/dev/null
# Leftovers of writes that were cut off do not pile up.
[ "$(find "$state" -type f | wc -l)" -le 12 ] ||
	fail "leftovers: $(find "$state" -type f)"

say "a damaged blob is refused with the reason"
agent_stop primary
cp -a "$state" "$WORK/state"
for blob in "$state"/*.blob; do
	perl -e 'open my $f, "+<", $ARGV[0]; binmode $f; seek $f, 40, 0;
		read $f, my $c, 1; seek $f, 40, 0; print $f chr(ord($c) ^ 1)' \
		"$blob"
done
: >"$log"
agent_start primary
refused 28000 osql "SELECT count(*) FROM t WHERE id = id"
grep -qiE 'sealed|verify|damaged' "$log" || fail "no reason: $(cat "$log")"
agent_stop primary
rm -rf "$state"
cp -a "$WORK/state" "$state"
agent_start primary
serves || fail "not with the state as it was"

say "a PCR that changed is named, and nothing is served"
change_pcr() {
	TPM2TOOLS_TCTI=$(tpm_tcti primary) tpm2_pcrextend \
		"7:sha256=$(printf '%064d' 7)" >/dev/null
}
change_pcr
restart
refused 28000 osql "SELECT count(*) FROM t WHERE id = id"
grep -qiE 'PCR *7' "$log" || fail "no PCR is named: $(cat "$log")"
status=0
cloister provision --seal >"$WORK/out" 2>&1 || status=$?
[ "$status" -ne 0 ] || fail "sealed although the PCR changed"
grep -qi PCR "$WORK/out" || fail "no reason: $(cat "$WORK/out")"

say "the TPM as it was before: the seal holds again"
agent_stop primary
tpm_stop primary
tpm_start primary
agent_start primary
serves || fail "not with the PCRs as they were: $(tail -n 5 "$log")"

say "without sealing nothing stays, whatever the PCRs"
for pcr in changed same; do
	[ "$pcr" = same ] || change_pcr
	restart
	cloister provision >/dev/null
	serves || fail "not after provisioning ($pcr)"
	restart
	refused 28000 osql "SELECT count(*) FROM t WHERE id = id"
	tpm_stop primary
	tpm_start primary
done
