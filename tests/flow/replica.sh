#!/bin/bash
# A physical replica with an agent of its own: it follows without a key, and
# answers once the owner has provisioned its agent.
# seconds: 180
. "$(dirname "$0")/lib.sh"

group ids --ops all
group names --ops all
sql "CREATE TABLE t (id enc_int4('ids') PRIMARY KEY, name enc_text('names'))" \
	>/dev/null
fill() {
	seq "$1" "$2" | cloister encrypt --group ids --type int4 >"$WORK/ids"
	seq "$1" "$2" | sed 's/^/number /' |
		cloister encrypt --group names --type text >"$WORK/names"
	paste "$WORK/ids" "$WORK/names" >"$WORK/rows"
	osql "\\copy t FROM '$WORK/rows'"
}
fill 1 500

say "base backup"
node_make replica
replica=$CLOISTER_TMP/replica
as "$(pg_user)" pg_basebackup -h "$PGHOST" -U postgres -D "$replica/data" \
	-R --checkpoint=fast
pg_configure replica | as "$(pg_user)" \
	tee -a "$replica/data/postgresql.conf" >/dev/null
tpm_start replica
agent_start replica
pg_start replica

# caught_up: the replica has replayed what the primary has written.
caught_up() {
	local lsn

	lsn=$(psql_plain -h "$CLOISTER_TMP/primary/sock" \
		-c "SELECT pg_current_wal_lsn()")
	psql_plain -h "$replica/sock" -c "SELECT 1 / (
		pg_last_wal_replay_lsn() >= '$lsn')::int"
}

say "it follows without a key"
fill 501 1000
wait_for 60 caught_up || fail "the replica does not follow"
node_use replica
expect 1000 "$(sql "SELECT count(*) FROM t")" "rows on the replica"

say "it answers nothing before its agent has the tenant key"
refused 28000 osql "SELECT count(*) FROM t WHERE id > $(lit ids int4 0)"

say "it answers when it has"
cloister provision >/dev/null
answers() {
	owner <<-SQL | cloister decrypt
		SELECT * FROM t WHERE id < $(lit ids int4 700) ORDER BY id DESC;
		SELECT count(*), min(name), max(name) FROM t;
		SELECT name FROM t WHERE id = $(lit ids int4 777);
	SQL
}
answers >"$WORK/replica"
node_use primary
answers >"$WORK/primary"
cmp "$WORK/primary" "$WORK/replica" || fail "the replica answers otherwise"
expect "number 777" "$(tail -n 1 "$WORK/replica")" "the look-up"

say "it goes on following, and takes over"
fill 1001 1200
wait_for 60 caught_up || fail "the replica does not follow any more"
node_use replica
expect 1200 "$(osql "SELECT count(*) FROM t WHERE id > $(lit ids int4 0)")" \
	"rows in the replica's index"
refused 25006 osql "INSERT INTO t VALUES ($(lit ids int4 9999))"
pg_stop primary
psql_plain -c "SELECT pg_promote()" >/dev/null
osql "INSERT INTO t VALUES ($(lit ids int4 9999), $(lit names text last))"
expect last "$(osql "SELECT name FROM t WHERE id = $(lit ids int4 9999)" |
	cloister decrypt)" "a row written after promotion"
refused 23505 osql "INSERT INTO t VALUES ($(lit ids int4 777))"
pg_stop replica
