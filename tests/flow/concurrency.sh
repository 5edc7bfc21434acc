#!/bin/bash
# Fifty clients at once get right answers; one more than the agent serves gets
# an error, not a hang; parallel workers share their leader's session.
# seconds: 180
. "$(dirname "$0")/lib.sh"

[ "$CLOISTER_ARENA_MB" -ge 64 ] ||
	skip "only $CLOISTER_ARENA_MB MiB of lockable memory: too little for 50"
group ids --ops all
group names --ops all
sql "CREATE TABLE t (id enc_int4('ids') PRIMARY KEY, name enc_text('names'),
	n int)" >/dev/null
seq 3000 >"$WORK/n"
cloister encrypt --group ids --type int4 <"$WORK/n" >"$WORK/ids"
awk '{ print "name " $1 % 100 }' "$WORK/n" |
	cloister encrypt --group names --type text >"$WORK/names"
paste "$WORK/ids" "$WORK/names" "$WORK/n" >"$WORK/rows"
osql "\\copy t FROM '$WORK/rows'"

# client I: look-ups, an aggregate, a sort, an insert, an update.
client() {
	local i=$1 id

	id=$(sed -n "$((i * 31))p" "$WORK/ids")
	owner <<-SQL
		SELECT n FROM t WHERE id = '$id'::enc_int4;
		SELECT count(*) FROM t WHERE name = $(lit names text "name $i")
			AND n <= 3000;
		SELECT n FROM t WHERE n <= 500 ORDER BY name, id OFFSET $i LIMIT 1;
		INSERT INTO t VALUES ($(lit ids int4 $((10000 + i))),
			$(lit names text "new $i"), $((10000 + i)));
		UPDATE t SET name = name || $(lit names text '+')
			WHERE n = $((10000 + i));
		SELECT count(*) FROM t WHERE name LIKE
			$(lit names text "new $i+");
	SQL
}
wanted() {
	local i=$1

	echo $((i * 31))
	echo 30
	awk '$1 <= 500 { printf "name %d\t%d\n", $1 % 100, $1 }' "$WORK/n" |
		LC_ALL=C sort -t "$(printf '\t')" -k 1,1 -k 2,2n |
		sed -n "$((i + 1))p" | cut -f 2
	echo 1
}

pids=()
for i in $(seq 50); do
	client "$i" >"$WORK/out.$i" 2>&1 &
	pids+=($!)
done
bad=0
for pid in "${pids[@]}"; do
	wait "$pid" || bad=$((bad + 1))
done
for i in $(seq 50); do
	wanted "$i" | cmp -s - "$WORK/out.$i" || {
		bad=$((bad + 1))
		diff <(wanted "$i") "$WORK/out.$i" | head -n 5
	}
done
[ "$bad" -eq 0 ] || fail "$bad of 50 clients"

say "parallel workers"
owner <<-SQL >"$WORK/parallel"
	SET parallel_setup_cost = 0;
	SET parallel_tuple_cost = 0;
	SET min_parallel_table_scan_size = 0;
	SET max_parallel_workers_per_gather = 2;
	SET force_parallel_mode = on;
	EXPLAIN (COSTS OFF) SELECT count(*) FROM t
		WHERE id > $(lit ids int4 1500);
	SELECT count(*) FROM t WHERE id > $(lit ids int4 1500) AND n <= 3000;
SQL
grep -q 'Workers Planned' "$WORK/parallel" || fail "no parallel plan"
expect 1500 "$(tail -n 1 "$WORK/parallel")" "count by workers"

say "one too many"
sed -i 's/^workers = .*/workers = 8/' \
	"$CLOISTER_TMP/primary/cloister.conf"
agent_stop primary
agent_start primary
pids=()
for i in $(seq 12); do
	osql "SELECT pg_sleep(150)" >"$WORK/many.$i" 2>&1 &
	pids+=($!)
done
# Each has a session and sleeps, or was told that it cannot have one.
settled() {
	local pid alive=0 asleep

	for pid in "${pids[@]}"; do
		! kill -0 "$pid" 2>/dev/null || alive=$((alive + 1))
	done
	asleep=$(sql "SELECT count(*) FROM pg_stat_activity
		WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'")
	[ "$alive" -lt 12 ] && [ "$alive" -eq "$asleep" ]
}
wait_for 60 settled || fail "a connection too many hangs"
grep -q 'ERROR:  53300' "$WORK"/many.* || fail "no error 53300: $(cat "$WORK"/many.*)"
sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'SELECT pg_sleep%'" >/dev/null
for pid in "${pids[@]}"; do
	wait "$pid" || true
done
wait_for 60 osql "SELECT 1" || fail "the agent does not come back"
agent_must_live
