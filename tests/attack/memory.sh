#!/bin/bash
# A plain value that the engine works on cannot be found in the memory of any
# process: not in postgres, which never has it, and not in the engine, whose
# arena no other process can read, root included. The same hunter finds it in
# a process that does hold it.
# seconds: 120
. "$(dirname "$0")/../flow/lib.sh"
hunt() { perl "$(dirname "$0")/hunt.pl" "$@"; }

marker=Nightjar-$RANDOM$RANDOM-$RANDOM
group names --ops all
sql "CREATE TABLE t (id int, name enc_text('names'))" >/dev/null
for i in $(seq 3000); do
	echo "$marker of row $((i * 7919 % 3000))"
done | cloister encrypt --group names --type text |
	awk '{ print NR "\t" $0 }' >"$WORK/rows"
osql "\\copy t FROM '$WORK/rows'"

say "control: the hunter finds it where it is"
perl -e '$s = $ARGV[0] x 3; $0 = "holder"; sleep 60' "$marker" &
holder=$!
wait_for 20 hunt "$marker" "$holder" || fail "the hunter is blind"
kill "$holder"

say "while the engine sorts, compares, searches and computes"
{
	opening
	cat <<-SQL
		SELECT pg_backend_pid();
		CREATE INDEX ON t (name);
		SELECT count(*) FROM t a JOIN t b ON a.name > b.name
			AND a.name LIKE $(lit names text "%$marker%7")
			AND upper(b.name) < $(lit names text z);
	SQL
} >"$WORK/script"
psql_plain -f "$WORK/script" >"$WORK/out" 2>&1 &
client=$!
wait_for 60 test -s "$WORK/out"
backend=$(head -n 1 "$WORK/out")
engine=$(engine_pid primary)
mapfile -t postgres < <(pgrep -P "$(cat "$CLOISTER_TMP/primary/pg.pid")")
for round in 1 2 3 4; do
	sleep 0.4
	status=0
	hunt "$marker" "${postgres[@]}" >"$WORK/hunt" || status=$?
	[ "$status" -ne 0 ] || fail "in postgres: $(grep found "$WORK/hunt")"
	grep -q "pid $backend: [1-9]" "$WORK/hunt" || [ "$round" -gt 1 ] ||
		[ "$(id -u)" -ne 0 ] || fail "the backend was not read"
	status=0
	hunt "$marker" "$engine" "$(cat "$CLOISTER_TMP/primary/agent.pid")" \
		>"$WORK/hunt" || status=$?
	if [ "$status" -eq 0 ] && ! has_memfd_secret; then
		say "no memfd_secret here: root can read, as documented"
		break
	fi
	[ "$status" -ne 0 ] || fail "in the agent: $(grep found "$WORK/hunt")"
done
cat "$WORK/hunt"
kill "$client" 2>/dev/null || true
wait "$client" || true

say "an ordinary user, the agent's own included, cannot even open it"
for user in nobody "$(pg_user)"; do
	[ "$(id -u)" -eq 0 ] || user=$(id -un)
	status=0
	cp "$(dirname "$0")/hunt.pl" "$CLOISTER_TMP/bin/"
	as "$user" perl "$CLOISTER_TMP/bin/hunt.pl" "$marker" "$engine" \
		>"$WORK/hunt" 2>&1 || status=$?
	expect 2 "$status" "hunt as $user: $(cat "$WORK/hunt")"
done
agent_must_live
