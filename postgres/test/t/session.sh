#!/bin/bash
# How long a session lives, and that nothing but cloister_open() makes one.
set -euo pipefail
work=$CLOISTER_TMP/session
mkdir -p "$work"
cloister group create life --ops eq,cmp >/dev/null
cell=$(echo 5 | cloister encrypt --group life --type int4)
other=$(echo 6 | cloister encrypt --group life --type int4)
psql -qX -c "CREATE TABLE life (i enc_int4('life'))" \
	-c "INSERT INTO life VALUES ('$cell'), ('$other')"

# run NAME EXPECTED: standard input is SQL, in which OPEN SCOPE opens a session
# and ASK prints 1 or the SQLSTATE.
run() {
	local out
	out=$(sed "s/^OPEN \(.*\)/\\\\set m \`cloister session\`\nSELECT cloister_open(:'m', '\1') \\\\g \/dev\/null/
		s/^ASK/SELECT count(*) FROM life WHERE i < '$other';\n\\\\if :ERROR\n\\\\echo :SQLSTATE\n\\\\endif/" |
		psql -XAtq -v other="$other" 2>"$work/errors" | xargs)
	if [ "$out" != "$2" ]; then
		printf '%s: expected "%s", got "%s"\n' "$1" "$2" "$out"
		cat "$work/errors"
		exit 1
	fi
	echo "ok: $1"
}

run 'none without cloister_open' 28000 <<'SQL'
ASK
SQL
run 'ends with its statement outside a transaction' 28000 <<'SQL'
OPEN transaction
ASK
SQL
run 'ends with COMMIT' '1 1 28000' <<'SQL'
BEGIN;
OPEN transaction
ASK
ASK
COMMIT;
ASK
SQL
run 'ends with ROLLBACK' '1 28000' <<'SQL'
BEGIN;
OPEN transaction
ASK
ROLLBACK;
ASK
SQL
run 'survives a savepoint made after it' '1 1 28000' <<'SQL'
BEGIN;
OPEN transaction
SAVEPOINT a;
ASK
ROLLBACK TO a;
ASK
COMMIT;
ASK
SQL
run 'is rolled back to a savepoint made before it' '1 28000' <<'SQL'
BEGIN;
SAVEPOINT a;
OPEN transaction
ASK
ROLLBACK TO a;
ASK
COMMIT;
SQL
run 'outlives the savepoint that is released' '1 28000' <<'SQL'
BEGIN;
SAVEPOINT a;
OPEN transaction
RELEASE a;
ASK
COMMIT;
ASK
SQL
run 'of the session outlives transactions and errors' '1 1 1' <<'SQL'
OPEN session
ASK
SELECT 1/0;
ASK
BEGIN;
SELECT 1/0;
ROLLBACK;
ASK
SQL
run 'of the session goes with the transaction that is rolled back' 28000 <<'SQL'
BEGIN;
OPEN session
ROLLBACK;
ASK
SQL
run 'ends with cloister_close' '1 28000' <<'SQL'
OPEN session
ASK
SELECT cloister_close() \g /dev/null
ASK
SQL
run 'ends with DISCARD ALL, as poolers send it' '1 28000' <<'SQL'
OPEN session
ASK
DISCARD ALL;
ASK
SQL
run 'ends with RESET ALL' '28000' <<'SQL'
OPEN session
RESET ALL;
ASK
SQL
run 'stays when another fails to open' '1 1' <<'SQL'
OPEN session
ASK
SELECT cloister_open(:'m', 'session');
SELECT cloister_open('AAAA', 'session');
SELECT cloister_open('', 'for ever');
ASK
SQL
run 'has a token that nobody reads or writes' '0 1 28000' <<'SQL'
OPEN session
SELECT current_setting('cloister.token');
SELECT count(*) FROM pg_settings WHERE name = 'cloister.token';
SET cloister.token = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
ALTER ROLE CURRENT_USER SET cloister.token = 'AAAA';
ASK
SET cloister.token = '';
ASK
SQL
run 'is joined by parallel workers' '1 t' <<'SQL'
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET parallel_leader_participation = off;
ALTER TABLE life SET (parallel_workers = 2);
BEGIN;
OPEN transaction
ASK
SET LOCAL client_min_messages = error;
CREATE FUNCTION workers(q text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF) ' || q LOOP
		IF line ~ 'Workers Launched: [12]' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT workers('SELECT count(*) FROM life WHERE i = i AND i <> i IS NOT NULL');
ROLLBACK;
SQL
run 'sees a new definition of its group' '42501 1' <<'SQL'
OPEN session
SELECT min(i) = i FROM life GROUP BY i LIMIT 0;
SELECT i + i FROM life;
\echo :SQLSTATE
\! cloister group alter life --ops eq,cmp,arith >/dev/null
OPEN session
SELECT cloister.group_push(tag) FROM cloister.groups WHERE name = 'life' \g /dev/null
SELECT count(*) FROM life WHERE i + i = i + i AND i < :'other';
SQL
