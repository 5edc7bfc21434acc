#!/bin/bash
# What a database does by itself needs no owner: VACUUM, ANALYZE, autovacuum
# and crash recovery run without a session and without errors, and indexes stay
# sound. What compares values says that it needs one.
# seconds: 240
. "$(dirname "$0")/lib.sh"

group ids --ops all
group names --ops all
sql "CREATE TABLE t (id enc_int4('ids') PRIMARY KEY, name enc_text('names'),
		n int);
	CREATE INDEX t_name ON t (name);
	CREATE EXTENSION amcheck;" >/dev/null
for setting in naptime=1 vacuum_threshold=50 vacuum_scale_factor=0.01; do
	sql "ALTER SYSTEM SET autovacuum_$setting" >/dev/null
done
sql "ALTER SYSTEM SET autovacuum = off" >/dev/null
sql "SELECT pg_reload_conf()" >/dev/null

seq 20000 >"$WORK/n"
cloister encrypt --group ids --type int4 <"$WORK/n" >"$WORK/ids"
sed 's/^/name of number /' "$WORK/n" |
	cloister encrypt --group names --type text >"$WORK/names"
paste "$WORK/ids" "$WORK/names" "$WORK/n" >"$WORK/rows"
osql "\\copy t FROM '$WORK/rows'"

# sound: heap by pg_amcheck, B-trees in full with the owner's session.
sound() {
	local out

	out=$(pg_amcheck --no-dependent-indexes --table 't' 2>&1) ||
		fail "pg_amcheck: $out"
	[ -z "$out" ] || fail "pg_amcheck: $out"
	owner <<-SQL
		SELECT bt_index_parent_check('t_pkey', true) \\g /dev/null
		SELECT bt_index_parent_check('t_name', true) \\g /dev/null
	SQL
}
sound

say "heavy deletes, then VACUUM and ANALYZE without a session"
pages_before=$(sql "SELECT pg_relation_size('t_name')")
sql "DELETE FROM t WHERE n BETWEEN 1000 AND 19000" >/dev/null
sql "VACUUM (VERBOSE, INDEX_CLEANUP ON) t" >"$WORK/vacuum" 2>&1 ||
	fail "VACUUM: $(cat "$WORK/vacuum")"
grep -qE '[1-9][0-9]* newly deleted' "$WORK/vacuum" ||
	fail "VACUUM deleted no index page, so nothing was tried"
sql "VACUUM t; " >/dev/null
sql "ANALYZE t" >/dev/null
sound
expect 1999 "$(osql "SELECT count(*) FROM t WHERE id > \
	$(lit ids int4 0)")" "rows after VACUUM"

say "statistics hold no cell"
expect 0 "$(sql "SELECT count(*) FROM pg_stats WHERE tablename = 't' AND
	attname <> 'n' AND (most_common_vals IS NOT NULL OR
	histogram_bounds IS NOT NULL)")" "cells in pg_stats"

say "pages that were deleted are used again"
sed -n '1000,19000p' "$WORK/rows" >"$WORK/again"
osql "\\copy t FROM '$WORK/again'"
sound
[ "$(sql "SELECT pg_relation_size('t_name')")" -le $((pages_before * 3 / 2)) ] ||
	fail "the index grew although VACUUM had made room"

say "autovacuum"
sql "ALTER SYSTEM SET autovacuum = on" >/dev/null
sql "SELECT pg_reload_conf()" >/dev/null
sql "DELETE FROM t WHERE n % 2 = 0" >/dev/null
autovacuumed() {
	sql "SELECT 1 / count(*)::int FROM pg_stat_user_tables
		WHERE relname = 't' AND autovacuum_count > 0
		AND autoanalyze_count > 0"
}
wait_for 90 autovacuumed || fail "autovacuum did not come"
sound

say "crash recovery without a session"
osql "INSERT INTO t SELECT id, name, n + 100000 FROM t WHERE false"
osql "UPDATE t SET name = name || $(lit names text '!') WHERE n % 5 = 0"
pg_crash primary
pg_start primary
sql "VACUUM t" >/dev/null
sound
expect "$(sql "SELECT count(*) FROM t WHERE n % 5 = 0")" \
	"$(osql "SELECT count(*) FROM t WHERE name LIKE \
	$(lit names text '%!')")" "the update survives the crash"

say "what compares values says so without a session"
for statement in "REINDEX INDEX t_pkey" "CREATE INDEX ON t (name, id)" \
	"SELECT * FROM t ORDER BY name" "VACUUM FULL t" \
	"SELECT count(*) FROM t WHERE id = $(lit ids int4 1)" \
	"INSERT INTO t VALUES ($(lit ids int4 5000000))"; do
	refused 28000 sql "$statement"
done
osql "REINDEX TABLE t"
sound

say "no error in the log but those that were asked for"
errors=$(grep -E 'ERROR|PANIC|WARNING' "$CLOISTER_TMP/primary/pg.log" |
	grep -v '28000\|session\|division by zero' || true)
[ -z "$errors" ] || fail "log: $errors"
