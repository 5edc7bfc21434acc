#!/bin/bash
# A dump carries what it needs and nothing more: pg_dump needs no session, the
# restored database has the same answers for the owner, and an agent that the
# owner has not provisioned serves nobody.
# seconds: 180
. "$(dirname "$0")/lib.sh"

group ids --ops all
group names --ops all
group keys --ops all --suite aes-256-siv
sql "CREATE TABLE person (id enc_int4('ids') PRIMARY KEY,
		name enc_text('names') NOT NULL, born enc_date('ids'),
		code enc_uuid('keys') UNIQUE);
	CREATE TABLE pet (owner enc_int4('ids') REFERENCES person ON DELETE
		CASCADE, name enc_text('names'), CHECK (name IS NOT NULL));
	CREATE INDEX ON pet USING hash (owner);
	CREATE VIEW owners AS SELECT p.name AS person, q.name AS pet
		FROM person p JOIN pet q ON q.owner = p.id;" >/dev/null
for i in $(seq 500); do
	echo "$i"
done >"$WORK/n"
cloister encrypt --group ids --type int4 <"$WORK/n" >"$WORK/id"
sed 's/.*/Ünïcode "person", number &/' "$WORK/n" |
	cloister encrypt --group names --type text >"$WORK/name"
perl -lne 'printf "19%02d-%02d-%02d\n", $_ % 100, $_ % 12 + 1, $_ % 28 + 1' \
	"$WORK/n" | cloister encrypt --group ids --type date >"$WORK/born"
perl -lne 'printf "%08x-0000-4000-8000-%012x\n", $_ * 7919, $_' "$WORK/n" |
	cloister encrypt --group keys --type uuid >"$WORK/code"
paste "$WORK"/{id,name,born,code} >"$WORK/person"
cloister encrypt --group ids --type int4 <"$WORK/n" | head -n 300 |
	paste - <(head -n 300 "$WORK/name") >"$WORK/pet"
owner <<-SQL
	\\copy person FROM '$WORK/person'
	\\copy pet FROM '$WORK/pet'
SQL

answers() {
	owner <<-SQL | cloister decrypt
		SELECT * FROM person ORDER BY id;
		SELECT * FROM owners ORDER BY person DESC, pet;
		SELECT count(*), min(born), max(born) FROM person;
		SELECT id FROM person WHERE born < $(lit ids date 1950-06-01)
			ORDER BY code;
		SELECT name FROM person WHERE code = $(lit keys uuid \
			"$(perl -e 'printf "%08x-0000-4000-8000-%012x", 7919 * 77, 77')");
	SQL
}
answers >"$WORK/before"
expect 77 "$(tail -n 1 "$WORK/before" | tr -dc 0-9)" "look-up by uuid"

say "dump without a session"
pg_dump -Fc -f "$WORK/dump"
pg_dump -f "$WORK/dump.sql"

node_start second
say "a plain restore says that the session is missing"
createdb plain
psql -qX -d plain -f "$WORK/dump.sql" >"$WORK/out" 2>&1 || true
grep -q 'session' "$WORK/out" || fail "no word about a session"
dropdb plain

say "an agent that was not provisioned opens no session"
createdb target
sql "CREATE EXTENSION cloister" >/dev/null
refused 28000 osql "SELECT 1"

say "cloister restore"
cloister provision >/dev/null
cloister restore --dbname target "$WORK/dump" || fail "restore"
export PGDATABASE=target
answers >"$WORK/after"
cmp "$WORK/before" "$WORK/after" || fail "other answers after the restore"

say "constraints live on in the second database"
refused 23505 osql "INSERT INTO person SELECT * FROM person LIMIT 1"
refused 23503 osql "INSERT INTO pet VALUES ($(lit ids int4 100000),
	$(lit names text x))"
agent_must_live
pg_stop second
