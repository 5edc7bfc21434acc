#!/bin/bash
# Nothing that the database writes shows a plain value: not the tables, the
# indexes, the WAL, temporary files, statistics, logs, or a dump. The same
# search finds the plain table's values in each of them, so it does find.
# seconds: 120
. "$(dirname "$0")/lib.sh"

hidden=Kestrel-$RANDOM$RANDOM-hidden
shown=Magpie-$RANDOM$RANDOM-shown
hidden_int=$((0x5a17c3d2b4e60000 + RANDOM))
shown_int=$((0x3b92e1f7a8d40000 + RANDOM))

# An int8 as PostgreSQL stores it.
int8_bytes() { perl -e 'print pack("q<", shift)' "$1"; }

group names --ops all
group ids --ops all
sql "CREATE TABLE plain (id int, name text, n int8);
	CREATE TABLE secret (id int, name enc_text('names'),
		n enc_int8('ids'));" >/dev/null

say "load 400 rows of each, with one marker in every value"
for i in $(seq 400); do
	printf '%s %d\n' "$hidden" "$i"
done | cloister encrypt --group names --type text >"$WORK/names"
for i in $(seq 400); do
	echo $((hidden_int + i))
done | cloister encrypt --group ids --type int8 >"$WORK/ints"
seq 400 | paste -d '\t' - "$WORK/names" "$WORK/ints" >"$WORK/rows"
owner <<-SQL
	\\copy secret FROM '$WORK/rows'
	INSERT INTO plain SELECT i, '$shown ' || i, $shown_int + i
		FROM generate_series(1, 400) i;
SQL

say "indexes, sorts on disk, statistics, changes, errors"
for t in plain secret; do
	owner <<-SQL
		SET work_mem = '64kB';
		SET log_temp_files = 0;
		CREATE INDEX ON $t (name);
		CREATE INDEX ON $t (n);
		CREATE INDEX ON $t USING hash (n);
		ANALYZE $t;
		SELECT count(*) FROM (SELECT a.name FROM $t a, $t b
			WHERE b.id < 20 ORDER BY a.name OFFSET 0) x \\g /dev/null
		UPDATE $t SET id = id + 1000, name = upper(name) WHERE id % 3 = 0;
		DELETE FROM $t WHERE id % 7 = 0;
		VACUUM $t;
		CHECKPOINT;
	SQL
done
# An error over a secret must not repeat it.
osql "SELECT name::enc_int4 FROM secret" >"$WORK/error" 2>&1 &&
	fail "a name cannot be an integer"
osql "SELECT name::int4 FROM plain" >>"$WORK/error" 2>&1 &&
	fail "a name cannot be an integer"
pg_dump >"$WORK/dump.sql"
pg_dump -Fc -Z0 >"$WORK/dump.fc"
pg_stop primary
cp "$CLOISTER_TMP/primary/"*.log "$WORK/"

# found PATTERN PATH: is it there, in whatever case?
found() { grep -raiqF -- "$1" "$2"; }
found_bytes() {
	LC_ALL=C grep -rqaF -- "$(int8_bytes "$(($1 & ~0xffff))" | tr -d '\0')" \
		"$2"
}

say "positive control: the plain values are in each place"
for place in "$PGDATA/base" "$PGDATA/pg_wal" "$WORK/dump.sql" \
	"$WORK/dump.fc" "$WORK/error" "$WORK/pg.log"; do
	found "$shown" "$place" || fail "control: $shown not in $place"
done
found_bytes "$shown_int" "$PGDATA/base" || fail "control: $shown_int in base"
found_bytes "$shown_int" "$PGDATA/pg_wal" || fail "control: $shown_int in WAL"
found "${shown_int:0:12}" "$WORK/dump.sql" || fail "control: dump"

say "the hidden ones are nowhere"
for place in "$PGDATA" "$WORK/dump.sql" "$WORK/dump.fc" "$WORK/error" \
	"$WORK/pg.log" "$WORK/agent.log" "$WORK/tpm.log" \
	"$CLOISTER_TMP/primary/agent"; do
	! found "$hidden" "$place" || fail "$hidden found in $place"
	! found "${hidden_int:0:12}" "$place" ||
		fail "$hidden_int found in $place"
	! found_bytes "$hidden_int" "$place" ||
		fail "the bytes of $hidden_int found in $place"
done
