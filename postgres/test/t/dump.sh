#!/bin/bash
# pg_dump and restore carry encrypted columns, their groups, keys and indexes
# into another database, without plaintext and without a key in between. Runs
# inside scripts/with-cluster.
set -euo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/dump.XXXXXX")
trap 'rm -rf "$work"' EXIT
copy=dump_copy

fail() {
	echo "not ok: $*"
	exit 1
}

run() { psql -qXtA -v ON_ERROR_STOP=1 "$@"; }

# A statement that opens a session.
opening() {
	printf "SELECT cloister_open('%s', 'session') \\\\g /dev/null\n" \
		"$(cloister session)"
}

make_source() {
	cloister group create dump_text --ops all --pad 16 >/dev/null
	cloister group create dump_int --ops all >/dev/null
	run <<-'SQL'
	CREATE TABLE parent (k enc_int4('dump_int') PRIMARY KEY,
		s enc_text('dump_text') DEFAULT NULL);
	CREATE TABLE child (id int, k enc_int4('dump_int') REFERENCES parent);
	CREATE INDEX child_k ON child USING hash (k);
	CREATE VIEW both_of_them AS
		SELECT c.id, p.s FROM child c JOIN parent p ON c.k = p.k;
	CREATE TABLE stage (k enc_int4('dump_int'), s enc_text('dump_text'));
	SQL
	run -c "COPY (SELECT i, 'secret name ' || i FROM generate_series(1, 500) i)
		TO STDOUT CSV" |
		cloister encrypt --csv --columns 1:int4:dump_int,2:text:dump_text |
		run -c '\copy stage FROM STDIN CSV'
	{
		opening
		echo 'INSERT INTO parent SELECT * FROM stage;'
		echo 'INSERT INTO child SELECT row_number() OVER (), k FROM stage;'
		echo 'DROP TABLE stage;'
	} | run
}

# Everything that a reader of database $1 with a session sees.
answers() {
	{
		opening
		cat <<-'SQL'
		SELECT id, s FROM both_of_them ORDER BY s;
		SELECT count(*), sum(k), max(s) FROM parent;
		SQL
	} | PGDATABASE=$1 run | cloister decrypt
}

# Every cell, as it is stored.
cells() {
	PGDATABASE=$1 run -c 'SELECT * FROM parent ORDER BY k::text' \
		-c 'SELECT * FROM child ORDER BY id' \
		-c 'SELECT * FROM cloister.groups ORDER BY tag'
}

refuses() {
	local expected=$1

	shift
	if PGDATABASE=$copy run "$@" >"$work/out" 2>&1; then
		fail "accepted: $*"
	fi
	grep -q -- "$expected" "$work/out" ||
		fail "expected \"$expected\": $(cat "$work/out")"
}

make_source
pg_dump -Fc -f "$work/dump"
pg_restore -f "$work/sql" "$work/dump"
if grep -aq 'secret name' "$work/dump" "$work/sql"; then
	fail "the dump holds plaintext"
fi
grep -q 'cl1_' "$work/sql" || fail "the dump holds no cells"
echo "ok: the dump holds cells and no plaintext"

createdb "$copy"
export PGOPTIONS='-c client_min_messages=warning'
pg_restore -d "$copy" --section=pre-data --section=data "$work/dump"
[ "$(cells postgres)" = "$(cells "$copy")" ] || fail "cells differ"
echo "ok: cells and groups are restored without a session"
refuses 'no session is open' -c 'ALTER TABLE parent ADD PRIMARY KEY (k)'
echo "ok: an index is not built without a session"

pg_restore -f "$work/post" --section=post-data "$work/dump"
{
	PGDATABASE=$copy opening
	cat "$work/post"
	# What pg_dump sets empty for its own statements.
	echo "RESET search_path;"
	echo "SELECT count(*) FROM both_of_them;"
} | PGDATABASE=$copy run >"$work/count"
grep -qx 500 "$work/count" || fail "rows: $(cat "$work/count")"
answers postgres >"$work/a"
answers "$copy" >"$work/b"
grep -q 'secret name 250' "$work/a" || fail "the source's answers are wrong"
diff "$work/a" "$work/b" >&2 || fail "answers differ"
echo "ok: the copy gives the same answers"

key=$(echo 7 | cloister encrypt --group dump_int --type int4)
{
	PGDATABASE=$copy opening
	echo "INSERT INTO parent (k) VALUES ('$key');"
} >"$work/duplicate"
refuses 'duplicate key' -f "$work/duplicate"
echo "ok: the copy's primary key knows its values"
