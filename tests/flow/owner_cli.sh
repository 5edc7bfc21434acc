#!/bin/bash
# The owner's command from outside: what it refuses and with which exit code,
# what a lying database gets out of it (nothing), and that values come back
# byte for byte as PostgreSQL itself prints them.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# code STATUS TEXT COMMAND...: ends with STATUS and says TEXT.
code() {
	local want=$1 text=$2 status=0 out

	shift 2
	out=$("$@" 2>&1 </dev/null) || status=$?
	[ "$status" = "$want" ] || fail "exit $status, not $want: $*: $out"
	grep -qF -- "$text" <<<"$out" || fail "no \"$text\" from $*: $out"
}

# ---- usage ----------------------------------------------------------------

say 'wrong usage ends with 2 and names the help'
code 2 'cloister help' cloister frobnicate
code 2 'usage: cloister' cloister
for command in init provision group session encrypt decrypt restore report \
	verify status forget; do
	code 0 "usage: cloister $command" cloister "$command" --help
	code 0 "usage: cloister $command" cloister help "$command"
	code 2 "cloister $command --help" cloister "$command" --frobnicate
done
code 2 'expected ed25519' cloister init --identity rsa512
code 2 'never stand on the command line' \
	cloister encrypt --group g --type int4 4711
code 2 'expected at most one conninfo' cloister session dbname=a dbname=b
code 2 'came both' cloister status --socket /nowhere dbname=a
code 2 'from 0 to' cloister provision --lease 12x
code 2 '64 hex digits' cloister report --nonce abc
code 2 'expected snp, tdx, csv, tpm or sim' cloister report --tee sgx
code 2 'expected json or raw' cloister report --format xml
code 2 'one session' cloister restore -j 4 -d x dump
code 2 'expected -d' cloister restore dump
code 2 'expected create' cloister group
code 2 'padding of a group never change' cloister group alter g --pad 3

# ---- the owner's directory ------------------------------------------------

say 'a home is made once, whole, and for its owner only'
code 1 'never overwritten' cloister init
code 1 'make one with: cloister init' cloister session --home "$WORK/none"
printf 'open sesame\n' >"$WORK/passphrase"
cloister init --home "$WORK/locked" --identity p256 \
	--passphrase-file "$WORK/passphrase" >/dev/null
code 1 'no terminal to ask' setsid cloister session --home "$WORK/locked"
printf 'open simsim\n' >"$WORK/wrong"
code 1 'does not open with this passphrase' \
	cloister session --home "$WORK/locked" --passphrase-file "$WORK/wrong"
pukid=$(cloister status --local --home "$WORK/locked" |
	sed -n 's/^pukid *//p')
expect "$(openssl sha256 -binary "$WORK/locked/identity.pub" |
	openssl base64)" "$pukid" pukid
chmod 750 "$WORK/locked"
code 1 'expected mode 0700, came 0750' cloister group list --home "$WORK/locked"
chmod 700 "$WORK/locked"

# ---- evidence -------------------------------------------------------------

say 'evidence is judged before a key moves'
nonce=$(openssl rand -hex 32)
cloister report --nonce "$nonce" -o "$WORK/evidence"
cloister verify --nonce "$nonce" "$WORK/evidence" >/dev/null
cloister verify --json --nonce "$nonce" "$WORK/evidence" |
	python3 -c 'import json, sys; d = json.load(sys.stdin)
assert d["accepted"] and d["authentic"] and len(d["claims"]) > 5
assert all(r["ok"] for r in d["claims"])'
# The same nonce gives the same evidence, whichever way and form.
cloister report --nonce "$nonce" --tee sim --format json >"$WORK/again"
cloister report --nonce "$nonce" --socket "$CLOISTER_SOCKET" \
	>"$WORK/by_socket"
expect "$(cat "$WORK/evidence")" "$(cat "$WORK/again")" 'evidence by kind'
expect "$(cat "$WORK/evidence")" "$(cat "$WORK/by_socket")" 'by socket'
for way in --tee=sim --socket="$CLOISTER_SOCKET"; do
	cloister report "$way" --nonce "$nonce" --format raw -o "$WORK/raw" \
		2>"$WORK/data"
	cloister report "$way" --nonce "$nonce" --format raw 2>/dev/null |
		cmp - "$WORK/raw"
	python3 - "$WORK/evidence" "$WORK/raw" "$WORK/data" <<-'EOP'
		import base64, hashlib, json, sys
		e = json.load(open(sys.argv[1]))
		kind, text, ind = e["evidence"]
		assert kind == "application/vnd.cloister.sim-report" and ind == 4
		pad = lambda s: base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
		assert pad(text) == open(sys.argv[2], "rb").read()
		data = hashlib.sha512(b"cloister evidence v1\0" + pad(e["nonce"])
		    + hashlib.sha256(e["claims"].encode()).digest()).hexdigest()
		assert open(sys.argv[3]).read().split()[-1] == data
	EOP
	cloister verify --tee sim --report-data "$(sed 's/.* //' "$WORK/data")" \
		"$WORK/raw" >/dev/null
done
# A vendor's report has no nonce: nothing is passed over in silence.
code 2 'say by --report-data' cloister verify --tee sim --nonce "$nonce" \
	"$WORK/raw"
code 1 'say by --report-data' cloister policy init --from "$WORK/raw" \
	--tee sim --nonce "$nonce" --out -
code 1 'this guest has (sim' cloister report --tee snp
code 1 'this guest has (sim' cloister report --tee tdx \
	--socket "$CLOISTER_SOCKET"
code 1 'came a terminal' script -qec \
	"cloister report --format raw" /dev/null
code 1 'nonce' cloister verify --nonce "$(openssl rand -hex 32)" \
	"$WORK/evidence"
sed 's/\(sim-report","\)./\1_/' "$WORK/evidence" >"$WORK/changed"
code 1 'REFUSED' cloister verify --nonce "$nonce" "$WORK/changed"
code 1 'or --tee with a vendor' cloister verify /dev/null
code 1 'REFUSED' cloister verify --tee snp /dev/null
code 2 'is a folder' cloister verify "$WORK"
code 2 'snp, tdx, csv, tpm or sim, came "SNP"' cloister verify --tee SNP -
for text in '' '{' '[]' '{"v":1,"v":1}'; do
	printf '%s' "$text" >"$WORK/no_policy"
	code 2 'expected a JSON object' cloister verify "$WORK/evidence" \
		--policy "$WORK/no_policy"
done
echo '{"v":1,"snp":{"measurment":[]}}' >"$WORK/no_policy"
for command in verify fetch-endorsements; do
	cloister $command "$WORK/evidence" --policy "$WORK/no_policy" \
		>"$WORK/said" 2>&1 && fail "$command takes a typing error"
	grep -qF 'no_policy: member "measurment"' "$WORK/said" ||
		fail "$command does not name it: $(cat "$WORK/said")"
done
echo '{"v":2}' >"$WORK/no_policy"
code 2 'no_policy: unsupported version' cloister verify "$WORK/evidence" \
	--policy "$WORK/no_policy"
code 2 'expected certificates, revocation lists' cloister verify \
	"$WORK/evidence" --endorsements "$WORK/no_policy"
code 1 'a folder with --out DIR' cloister fetch-endorsements \
	"$WORK/evidence" --home "$WORK/nowhere"
code 1 'no_ca: No such file' cloister fetch-endorsements "$WORK/evidence" \
	--ca-file "$WORK/no_ca"
# The owner with the passphrase accepts no simulated TEE.
code 1 'no key was sent' cloister provision --home "$WORK/locked" \
	--passphrase-file "$WORK/passphrase"
code 1 'REFUSED' cloister provision --home "$WORK/locked" \
	--passphrase-file "$WORK/passphrase" --socket "$CLOISTER_SOCKET"
# Another root than the agent's.
openssl genpkey -algorithm ed25519 -out "$WORK/root.pem" 2>/dev/null
openssl pkey -in "$WORK/root.pem" -pubout -out "$WORK/root.pub"
cloister init --home "$WORK/stranger" --sim-root "$WORK/root.pub" \
	>/dev/null 2>&1
code 1 'no key was sent' cloister provision --home "$WORK/stranger"
code 1 'no agent answers' cloister provision --socket "$WORK/no.sock"
code 1 'cannot reach the database' cloister session 'host=/nowhere'
code 1 'has no extension cloister' cloister session dbname=template1

say 'a database that lies gets no key'
cp "$CLOISTER_HOME/policy.json" "$WORK/stranger/policy.json"
sql "ALTER FUNCTION cloister_evidence(bytea) RENAME TO honest_evidence"
sql "CREATE FUNCTION cloister_evidence(nonce bytea) RETURNS text LANGUAGE sql
	AS \$f\$ SELECT '$(cat "$WORK/evidence")'::text \$f\$"
code 1 'no key was sent' cloister provision --home "$WORK/stranger"
sql "DROP FUNCTION cloister_evidence(bytea)"
sql "ALTER FUNCTION honest_evidence(bytea) RENAME TO cloister_evidence"
sql "ALTER FUNCTION cloister_message(bytea) RENAME TO honest_message"
sql "CREATE FUNCTION cloister_message(message bytea) RETURNS bytea LANGUAGE sql
	AS 'SELECT ''CLR1''::bytea'"
code 1 'the reply is not from the engine' \
	cloister provision --home "$WORK/stranger"
sql "DROP FUNCTION cloister_message(bytea)"
sql "ALTER FUNCTION honest_message(bytea) RENAME TO cloister_message"
cloister provision --home "$WORK/stranger" --lease 600 >/dev/null
cloister status --home "$WORK/stranger" |
	grep -qE '^lease +(600|59[0-9]) seconds left$'

# ---- sessions -------------------------------------------------------------

say 'a session message works once, here, for its owner'
m=$(cloister session)
psql_plain -c "SELECT cloister_open('$m', 'session')" >/dev/null
refused 28000 psql_plain -v VERBOSITY=verbose -c "SELECT cloister_open('$m')"
m=$(cloister session --socket "$CLOISTER_SOCKET")
refused 28000 psql_plain -v VERBOSITY=verbose \
	-c "SELECT cloister_open('${m:0:100}B${m:101}')"

# ---- groups ---------------------------------------------------------------

say 'definitions are signed, and reach a running agent'
cloister group create g --ops eq,cmp,like >/dev/null
cloister group create siv --suite aes-256-siv --pad 8 --flows-to g >/dev/null
code 1 'exists already' cloister group create g
code 1 'there is no such group' cloister group create h --flows-to nobody
code 1 'expected a list of eq' cloister group create h --ops eq,fly
code 1 'unknown suite' cloister group create h --suite rot13
code 1 'letters, digits' cloister group create ../h
code 1 'not in the database' cloister group create far host=/nowhere
expect 'far g siv' "$(cloister group list | awk 'NR > 1 {print $1}' | xargs)" \
	'group list'
cloister group push far >/dev/null
sql 'CREATE TABLE t (id int PRIMARY KEY, v enc_int4('"'g'"'), n enc_text('"'siv'"'))'
sql "INSERT INTO t VALUES (1, '$(cell g int4 1)'), (2, '$(cell g int4 2)')"
expect 1 "$(osql "SELECT count(*) FROM t WHERE v < $(lit g int4 2)")" 'less'
# One backend stays open over the change: it asks before and after.
{
	opening
	printf '%s\n' "SELECT count(*) FROM t WHERE v < $(lit g int4 2);" \
		'\! cloister group alter g --ops eq >/dev/null' \
		"SELECT count(*) FROM t WHERE v < $(lit g int4 2);"
} | psql -qXAt -v VERBOSITY=verbose >"$WORK/alter" 2>&1
expect 1 "$(head -n 1 "$WORK/alter")" 'before the change'
grep -q 'ERROR:  42501' "$WORK/alter" || fail "still allowed: $(cat "$WORK/alter")"
cloister group alter g --ops all --rotate >/dev/null
expect 3 "$(osql 'SELECT sum(id) FROM t WHERE v >= '"$(lit g int4 1)"'')" rotated

# ---- values ---------------------------------------------------------------

say 'values come back byte for byte as PostgreSQL prints them'
psql_plain >/dev/null <<'SQL'
SELECT setseed(0.5);
CREATE TABLE plain AS SELECT
	i AS id,
	CASE WHEN i % 7 > 0 THEN i % 2 = 0 END AS b,
	(random() * 65535 - 32768)::int2 AS i2,
	(random() * 4294967295 - 2147483648)::int4 AS i4,
	(random() * 1.8e19 - 9e18)::int8 AS i8,
	((random() - 0.5) * 10 ^ (i % 70 - 35))::float4 AS f4,
	CASE i % 50 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' WHEN 2 THEN '-0'
		ELSE (random() - 0.5) * 10 ^ (i % 600 - 300) END::float8 AS f8,
	CASE i % 10 WHEN 0 THEN '' WHEN 1 THEN NULL WHEN 2 THEN '\.'
		WHEN 3 THEN E'two\nlines, "quoted"' WHEN 4 THEN 'cl1_notes'
		WHEN 5 THEN E'\t' || i || E'\\' ELSE 'grüße ' || md5(i::text)
	END AS t,
	decode(md5(i::text), 'hex') AS ba,
	'2000-01-01'::date + (random() * 2000000 - 700000)::int AS d,
	'2000-01-01'::timestamp + (random() - 0.3) * 1e11 * interval '1 s' AS ts,
	'2000-01-01'::timestamptz + (random() - 0.3) * 1e11 * interval '1 s' AS tz,
	gen_random_uuid() AS u
FROM generate_series(1, 3000) i;
SQL
export PGTZ=UTC PGDATESTYLE=ISO
spec='b:bool:g,i2:int2:g,i4:int4:siv,i8:int8:g,f4:float4:g,f8:float8:siv,'
spec+='t:text:siv,ba:bytea:g,d:date:g,ts:timestamp:g,tz:timestamptz:g,u:uuid:g'
psql_plain -c "COPY (SELECT * FROM plain ORDER BY id) TO STDOUT CSV HEADER" \
	>"$WORK/plain.csv"
sql "CREATE TABLE enc (id int, b enc_bool('g'), i2 enc_int2('g'),
	i4 enc_int4('siv'), i8 enc_int8('g'), f4 enc_float4('g'),
	f8 enc_float8('siv'), t enc_text('siv'), ba enc_bytea('g'),
	d enc_date('g'), ts enc_timestamp('g'), tz enc_timestamptz('g'),
	u enc_uuid('g'))"
cloister encrypt --csv --header --columns "$spec" <"$WORK/plain.csv" |
	psql_plain -c 'COPY enc FROM STDIN CSV HEADER'
psql_plain -c "COPY (SELECT * FROM enc ORDER BY id) TO STDOUT CSV HEADER" \
	>"$WORK/enc.csv"
! grep -qE 'grüße|lines|quoted' "$WORK/enc.csv" || fail 'plaintext in cells'
cloister decrypt --csv <"$WORK/enc.csv" | cmp - "$WORK/plain.csv"
psql -XAt -c 'SELECT * FROM plain WHERE id % 10 > 5 ORDER BY id' >"$WORK/a"
psql -XAt -c 'SELECT * FROM enc WHERE id % 10 > 5 ORDER BY id' |
	cloister decrypt | cmp - "$WORK/a"
q="SELECT id, i4, f8, t, d FROM %s WHERE id % 10 IN (1, 6) AND id < 100 ORDER BY 1"
psql -X -c "${q/\%s/plain}" >"$WORK/a"
psql -X --csv -c "${q/\%s/enc}" | cloister decrypt --table | head -n -1 |
	cmp - <(grep -v '^$' "$WORK/a" | head -n -1)
psql_plain -c 'SELECT json_agg(t ORDER BY id) FROM enc' |
	cloister decrypt --json >"$WORK/json"
psql_plain -c 'SELECT json_agg(t ORDER BY id) FROM plain' >"$WORK/a"
python3 -c 'import json, sys
assert json.load(open(sys.argv[1])) == json.load(open(sys.argv[2]))' \
	"$WORK/json" "$WORK/a"
printf 'two\nlines\n' >"$WORK/value"
cloister encrypt --group g --type text --value-file "$WORK/value" |
	cloister decrypt | head -c -1 | cmp - "$WORK/value"

say 'damage is named and never guessed'
{
	echo ok
	cell g int4 7
	cell g int4 8 | sed -E 's/^(.{30})[A-M]/\1Z/; t; s/^(.{30})./\1A/'
} >"$WORK/cells"
code 1 'line 3: expected an intact cell' \
	bash -c "cloister decrypt <'$WORK/cells'"
cloister decrypt <"$WORK/cells" >"$WORK/out" 2>/dev/null || true
expect ok,7 "$(head -n 2 "$WORK/out" | paste -sd,)" 'the good lines'
expect "$(tail -n 1 "$WORK/cells")" "$(tail -n 1 "$WORK/out")" 'the bad line'
code 1 'no key for group tag' \
	bash -c "cloister decrypt --home '$WORK/stranger' <'$WORK/cells'"
code 1 'line 2: expected a value of type int4' bash -c \
	"printf '1\n4711x\n' | cloister encrypt --group g --type int4"
! printf '4711x\n' | cloister encrypt --group g --type int4 2>&1 |
	grep -q 4711 || fail 'an error shows the value'
code 1 'line 1, column 2: expected a comma' bash -c \
	"echo '1,\"a\"b' | cloister encrypt --csv --columns 1:int4:g"
code 1 'there is no group' cloister encrypt --group nobody --type int4

# ---- restore --------------------------------------------------------------

say 'restore opens the session that indexes and checks need'
# A schema that sorts before the extension's own, and a check that computes.
psql_plain <<SQL
CREATE SCHEMA app;
CREATE TABLE app.u (id int PRIMARY KEY, v enc_int4('g') UNIQUE
	CHECK (v < $(lit g int4 1000)), n enc_text('siv'));
CREATE INDEX ON app.u USING hash (v);
SQL
{
	echo 'BEGIN;'
	opening
	for i in $(seq 20); do echo "$i,$((i * 7 % 50)),x$i"; done |
		cloister encrypt --csv --columns 2:int4:g,3:text:siv |
		sed "s/^\([0-9]*\),\(.*\),\(.*\)/INSERT INTO app.u VALUES (\1, '\2', '\3');/"
	echo 'COMMIT;'
} | psql_plain
rows() {
	psql_plain -d "$1" -c 'SELECT * FROM app.u ORDER BY id' |
		cloister decrypt
}
rows "$PGDATABASE" >"$WORK/rows"
for format in c d t; do
	pg_dump -F "$format" -f "$WORK/dump.$format"
	psql_plain -c "CREATE DATABASE r$format"
	cloister restore -d "r$format" "$WORK/dump.$format"
	rows "r$format" | cmp - "$WORK/rows"
	expect 3 "$(psql_plain -d "r$format" -c \
		"SELECT count(*) FROM pg_index WHERE indrelid = 'app.u'::regclass")" \
		'indexes'
done
psql_plain -c 'CREATE DATABASE control'
code 1 'no session' pg_restore -e -d control "$WORK/dump.c"
code 1 'already exists' cloister restore -d rc "$WORK/dump.c"
code 1 'No such file' cloister restore -d rc "$WORK/none"
code 1 'psql ended' cloister restore -d nowhere "$WORK/dump.c"
psql_plain -c 'CREATE DATABASE damaged'
head -c $(($(stat -c %s "$WORK/dump.c") * 2 / 3)) "$WORK/dump.c" >"$WORK/half"
code 1 'restore' cloister restore -1 -d damaged "$WORK/half"
expect 0 "$(psql_plain -d damaged -c \
	"SELECT count(*) FROM pg_namespace WHERE nspname = 'app'")" \
	'what one transaction left'

# ---- the agent ------------------------------------------------------------

say 'keys can be withdrawn and given again'
cloister status | grep -q '^keys in the agent  yes$'
cloister forget >/dev/null
cloister status | grep -q '^keys in the agent  no$'
psql_plain -c 'CREATE DATABASE forgotten'
refused 28000 psql_plain -v VERBOSITY=verbose \
	-c "SELECT cloister_open('$(cloister session)', 'session')"
code 1 'the restore stopped' cloister restore -1 -d forgotten "$WORK/dump.c"
cloister provision >/dev/null
cloister restore -1 -d forgotten "$WORK/dump.c"
rows forgotten | cmp - "$WORK/rows"
agent_must_live
say 'ok'
