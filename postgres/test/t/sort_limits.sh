#!/bin/bash
# Sorts that the agent has no room for are compared cell by cell: slower, and
# in the same order. Runs inside scripts/with-cluster.
set -euo pipefail
cd "$(dirname "$0")/../../.."
# shellcheck source=../../../scripts/lib/cluster.sh
. scripts/lib/cluster.sh

run() { psql -qXtA -v ON_ERROR_STOP=1 "$@"; }

agent_stop "$CLOISTER_NODE"
sed -i 's/^\[limits\]$/&\nsort_memory_mb = 1\nmax_sorts = 2/' \
	"$CLOISTER_TMP/$CLOISTER_NODE/cloister.conf"
agent_start "$CLOISTER_NODE"

cloister group create limits --ops all >/dev/null
run <<-'SQL'
CREATE TABLE p (id int, i int, s text COLLATE "C");
INSERT INTO p SELECT i, hashint4(i) % 500,
	CASE WHEN i % 9 > 0 THEN rpad(md5((i % 1500)::text), 900, 'x') END
	FROM generate_series(1, 2000) i;
CREATE TABLE e (id int, i enc_int4('limits'), s enc_text('limits'));
SQL
run -c 'COPY p TO STDOUT CSV' |
	cloister encrypt --csv --columns 2:int4:limits,3:text:limits |
	run -c '\copy e FROM STDIN CSV'

# same NAME QUERY: on table p and on table e
same() {
	local p e

	p=$(run -c "${2//TABLE/p}")
	e=$(printf "SELECT cloister_open('%s', 'session') \\\\g /dev/null\n%s;\n" \
		"$(cloister session)" "${2//TABLE/e}" | run)
	if [ "$p" != "$e" ] || [ -z "$p" ]; then
		printf 'not ok: %s\n%s\n%s\n' "$1" "${p:0:300}" "${e:0:300}"
		exit 1
	fi
	echo "ok: $1"
}

same 'more than sort_memory_mb' 'SELECT id FROM TABLE ORDER BY s, id'
same 'the same, downwards' \
	'SELECT id FROM TABLE ORDER BY s DESC NULLS LAST, id'
same 'the same, with little memory in the database' \
	"SET work_mem = '256kB'; SELECT id FROM TABLE ORDER BY s, id"
same 'distinct values of it' \
	'SELECT count(DISTINCT s), count(DISTINCT (s, i)) FROM TABLE'
same 'distinct values of two columns' \
	'SELECT count(*) FROM (SELECT DISTINCT s, i FROM TABLE OFFSET 0) x'
same 'more sorts than max_sorts' "SELECT count(DISTINCT i),
	sum(id) FILTER (WHERE i IS NULL), array_agg(id ORDER BY i, id),
	array_agg(id ORDER BY i DESC, id), array_agg(id ORDER BY i, id DESC),
	array_agg(id ORDER BY i NULLS FIRST, id) FROM TABLE WHERE id <= 300"
same 'the same, spilled' "SET work_mem = '64kB';
	SELECT array_agg(id ORDER BY i, id), array_agg(id ORDER BY i DESC, id),
	array_agg(id ORDER BY i, id DESC) FROM TABLE"
# The agent still has the first two, whose rows are sorted; they give way. Were
# the third one to compare cells, it could not do so without a session.
same 'sorts that are done do not stand in the way' "BEGIN;
	SET LOCAL work_mem = '256kB';
	DECLARE a NO SCROLL CURSOR FOR SELECT id FROM TABLE ORDER BY i, id;
	DECLARE b NO SCROLL CURSOR FOR SELECT id FROM TABLE
		ORDER BY i DESC, id DESC;
	DECLARE c NO SCROLL CURSOR FOR SELECT id FROM TABLE ORDER BY i, id DESC;
	FETCH 2 FROM a; FETCH 2 FROM b; SET LOCAL work_mem = '64kB'; FETCH c;
	SELECT '' FROM cloister_close(); FETCH ALL FROM c; FETCH ALL FROM a;
	FETCH ALL FROM b"
same 'afterwards a small one' 'SELECT id FROM TABLE WHERE id < 50 ORDER BY i, id'
same 'an index' "CREATE INDEX ON TABLE (s); SET enable_seqscan = off;
	SELECT count(*) FROM TABLE WHERE s < (SELECT max(s) FROM TABLE)"
