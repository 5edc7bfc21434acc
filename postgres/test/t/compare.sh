#!/bin/bash
# The same queries on a plain and on an encrypted schema: the owner, decrypting,
# must see the same rows. Runs inside scripts/with-cluster.
set -euo pipefail
cd "$(mktemp -d "${TMPDIR:-/tmp}/compare.XXXXXX")"
trap 'rm -rf "$PWD"' EXIT
export PGTZ=UTC PGDATESTYLE=ISO
failed=0

run() { psql -qXtA -v ON_ERROR_STOP=1 "$@"; }

make_groups() {
	cloister group create cmp_siv --ops all --suite aes-256-siv
	cloister group create cmp_gcm --ops all --flows-to cmp_siv
	cloister group create cmp_txt --ops all --pad 32
} >/dev/null

make_tables() {
	run <<-'SQL'
	CREATE SCHEMA plain;
	CREATE SCHEMA enc;
	CREATE TABLE plain.item (id int, kind int4, qty int2, price float8,
		score float4, big int8, name text COLLATE "C", raw bytea, day date,
		at timestamp, tz timestamptz, uid uuid, ok bool);
	CREATE TABLE plain.kind (kind int8, label text COLLATE "C");
	CREATE TABLE enc.item (id int, kind enc_int4('cmp_siv'),
		qty enc_int2('cmp_gcm'), price enc_float8('cmp_gcm'),
		score enc_float4('cmp_gcm'), big enc_int8('cmp_gcm'),
		name enc_text('cmp_txt'), raw enc_bytea('cmp_gcm'),
		day enc_date('cmp_gcm'), at enc_timestamp('cmp_gcm'),
		tz enc_timestamptz('cmp_gcm'), uid enc_uuid('cmp_siv'),
		ok enc_bool('cmp_gcm'));
	CREATE TABLE enc.kind (kind enc_int8('cmp_siv'), label enc_text('cmp_txt'));
	SELECT setseed(0.25);
	INSERT INTO plain.item SELECT i,
		CASE WHEN random() < 0.9 THEN (random() * 40)::int END,
		(random() * 200 - 100)::int, (random() - 0.3) * 1000,
		CASE WHEN i % 97 = 0 THEN 'NaN' ELSE random() * 10 - 5 END,
		((random() - 0.5) * 1e17)::int8,
		CASE WHEN random() < 0.95 THEN (ARRAY['ada','Bob','eve_','50%','mañana','']
			)[1 + i % 6] || '-' || substr(md5(i::text), 1, i % 9) END,
		decode(md5((i % 500)::text), 'hex'),
		date '1950-01-01' + (random() * 30000)::int,
		timestamp '1990-01-01' + random() * interval '40 years',
		timestamptz '2000-01-01 00:00Z' + random() * interval '10 years',
		md5((i % 300)::text)::uuid, random() < 0.5
		FROM generate_series(1, 1500) i;
	INSERT INTO plain.kind SELECT i, 'kind ' || i % 17
		FROM generate_series(0, 60) i;
	SQL
}

# load TABLE COLUMNS
load() {
	run -c "\\copy (SELECT * FROM plain.$1 ORDER BY 1) TO STDOUT CSV" |
		cloister encrypt --csv --columns "$2" |
		run -c "\\copy enc.$1 FROM STDIN CSV"
}

# const NAME TYPE GROUP VALUE: psql variables for either side
const() {
	plain_vars+=(-v "$1=$4")
	enc_vars+=(-v "$1=$(printf '%s\n' "$4" |
		cloister encrypt --type "$2" --group "$3")")
}

queries() {
	sed 's/^[[:space:]]*//; /^$/d; /^--/d' <<-'SQL'
	SELECT * FROM item ORDER BY id
	SELECT id, kind FROM item WHERE kind = :'k' ORDER BY id
	SELECT id FROM item WHERE kind <> :'k' ORDER BY id
	SELECT id, qty FROM item WHERE qty < :'q' ORDER BY qty, id
	SELECT id, price FROM item WHERE price BETWEEN :'p1' AND :'p2' ORDER BY price, id
	SELECT id, score FROM item WHERE score > :'f' ORDER BY score DESC, id
	SELECT id, big FROM item WHERE big >= :'b' ORDER BY big, id LIMIT 20
	SELECT id, name FROM item WHERE name LIKE :'l' ORDER BY id
	SELECT id, name FROM item WHERE name NOT LIKE :'l' ORDER BY id
	SELECT id, name FROM item WHERE name ILIKE :'l' ORDER BY name DESC, id
	SELECT id, raw FROM item WHERE raw = (SELECT raw FROM item WHERE id = 7) ORDER BY id
	SELECT id, day FROM item WHERE day <= :'d' ORDER BY day, id LIMIT 30
	SELECT id, at FROM item WHERE at > :'t' ORDER BY at DESC, id LIMIT 30
	SELECT id, tz FROM item ORDER BY tz DESC, id LIMIT 30
	SELECT id FROM item WHERE day < at AND at < tz ORDER BY id
	SELECT id FROM item WHERE uid IN (SELECT uid FROM item WHERE id < 5) ORDER BY id
	SELECT ok, count(*) FROM item GROUP BY ok ORDER BY ok
	SELECT kind, count(*), sum(qty), min(name), max(day) FROM item GROUP BY kind ORDER BY kind
	SELECT kind, sum(price), avg(price) FROM (SELECT * FROM item ORDER BY id) s GROUP BY kind ORDER BY kind
	SELECT sum(score), avg(score) FROM (SELECT score FROM item WHERE score < :'f' ORDER BY id) s
	SELECT kind, count(*) FROM item GROUP BY kind HAVING max(price) > :'p2' ORDER BY kind
	SELECT DISTINCT name FROM item ORDER BY name
	SELECT count(DISTINCT uid), count(DISTINCT raw), count(DISTINCT name) FROM item
	SELECT i.id, k.label FROM item i JOIN kind k ON i.kind = k.kind ORDER BY i.id
	SELECT i.id, k.label FROM item i LEFT JOIN kind k ON i.kind = k.kind AND k.label < :'s' ORDER BY i.id
	SELECT k.label, count(*), sum(i.big) FROM kind k JOIN item i USING (kind) GROUP BY k.label ORDER BY k.label
	SELECT a.id, b.id FROM item a JOIN item b ON a.uid = b.uid AND a.id < b.id ORDER BY 1, 2
	SELECT id FROM item i WHERE NOT EXISTS (SELECT FROM kind k WHERE k.kind = i.kind AND k.label > :'s') ORDER BY id
	SELECT id, rank() OVER (PARTITION BY kind ORDER BY qty), sum(qty) OVER (PARTITION BY kind ORDER BY qty, id) FROM item ORDER BY id
	SELECT id, lag(name) OVER (ORDER BY name, id), first_value(day) OVER (PARTITION BY ok ORDER BY day) FROM item ORDER BY id
	WITH top AS (SELECT kind, max(price) AS best FROM item GROUP BY kind) SELECT i.id, i.price FROM item i JOIN top t ON i.kind = t.kind AND i.price = t.best ORDER BY i.price, i.id
	SELECT id, qty + kind, kind - qty, kind * qty, big + qty, -big, price * score, price + score FROM item ORDER BY id
	SELECT id, day + qty, day - :'d' FROM item ORDER BY id
	SELECT id, big / qty, big % qty FROM item WHERE qty > :'z' ORDER BY id
	SELECT id, name || name, length(name), upper(name), lower(name) FROM item ORDER BY id
	SELECT id, CASE WHEN qty > :'q' THEN name END, coalesce(name, :'s'), nullif(kind, :'k') FROM item ORDER BY id
	SELECT kind FROM item WHERE id < 50 UNION SELECT kind FROM kind ORDER BY 1
	SELECT kind::int8 FROM item INTERSECT SELECT kind FROM kind ORDER BY 1
	SELECT label FROM kind EXCEPT SELECT name FROM item ORDER BY 1
	SELECT greatest(price, score), least(day, :'d') FROM item ORDER BY id
	SELECT id FROM item ORDER BY ok, kind DESC NULLS LAST, name, price LIMIT 200
	UPDATE item SET qty = -qty, name = upper(name) WHERE kind = :'k' RETURNING id, qty, name
	DELETE FROM item WHERE price < :'p1' RETURNING id, price
	INSERT INTO item (id, kind, name) SELECT 10000 + id, kind, name FROM item WHERE qty = :'q' RETURNING id, kind, name
	SELECT * FROM item ORDER BY id
	SQL
}

# The encrypted side calls its types enc_int8 where a cast is written.
for_enc() { sed 's/::\(int8\)/::enc_\1/g'; }

# run_side SCHEMA QUERY OUT: all within one session
run_side() {
	local vars=("${plain_vars[@]}") filter=cat

	if [ "$1" = enc ]; then
		vars=("${enc_vars[@]}")
		filter='cloister decrypt --csv'
	fi
	{
		if [ "$1" = enc ]; then
			printf "SELECT cloister_open('%s', 'session') \\\\g /dev/null\n" \
				"$(cloister session)"
		fi
		echo "SET search_path = $1, public;"
		printf '%s;\n' "$2"
	} | run --csv "${vars[@]}" | $filter >"$3"
}

compare() {
	local plain=$1 enc

	enc=$(printf '%s' "$1" | for_enc)
	if ! run_side plain "$plain" plain.out; then
		echo "not ok: fails on plain tables: $plain"
		failed=$((failed + 1))
	elif ! run_side enc "$enc" enc.out; then
		echo "not ok: $plain"
		failed=$((failed + 1))
	elif ! diff -u plain.out enc.out >diff.out; then
		echo "not ok: $plain"
		head -n 20 diff.out
		failed=$((failed + 1))
	else
		echo "ok: $plain ($(wc -l <plain.out) rows)"
	fi
}

make_groups
make_tables
load item 2:int4:cmp_siv,3:int2:cmp_gcm,4:float8:cmp_gcm,5:float4:cmp_gcm,6:int8:cmp_gcm,7:text:cmp_txt,8:bytea:cmp_gcm,9:date:cmp_gcm,10:timestamp:cmp_gcm,11:timestamptz:cmp_gcm,12:uuid:cmp_siv,13:bool:cmp_gcm
load kind 1:int8:cmp_siv,2:text:cmp_txt
run -c 'CREATE INDEX ON plain.item (name)' -c 'ANALYZE'

plain_vars=() enc_vars=()
const k int4 cmp_siv 13
const q int2 cmp_gcm -40
const z int2 cmp_gcm 0
const p1 float8 cmp_gcm -50.5
const p2 float8 cmp_gcm 600
const f float4 cmp_gcm 4.5
const b int8 cmp_gcm 30000000000000000
const l text cmp_txt '%b%-_a%'
const s text cmp_txt 'kind 3'
const d date cmp_gcm 1960-06-01
const t timestamp cmp_gcm '2015-05-05 05:05:05.5'

while IFS= read -r query; do
	compare "$query"
done < <(queries)
[ "$failed" -eq 0 ] || exit 1
