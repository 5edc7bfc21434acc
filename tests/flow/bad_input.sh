#!/bin/bash
# Whatever is sent, the answer is an error that says what is wrong, and the
# agent stays up: cells with every byte flipped, the wrong type, the wrong
# group, another owner, used and stale messages, frames that lie.
# seconds: 180
. "$(dirname "$0")/lib.sh"

group ids --ops all
group names --ops all
group plain_ops
sql "CREATE TABLE t (id enc_int4('ids'), name enc_text('names'),
	few enc_int4('plain_ops'))" >/dev/null
forty=$(cell ids int4 40)
name=$(cell names text Ada)
osql "INSERT INTO t VALUES ('$forty', '$name', $(lit plain_ops int4 1))"
engine=$(engine_pid primary)

say "a cell with each bit of each byte flipped is refused"
perl -MMIME::Base64=encode_base64url,decode_base64url -e '
	my $raw = decode_base64url(substr $ARGV[0], 4);
	for my $i (0 .. length($raw) - 1) {
		for my $bit (0 .. 7) {
			my $bad = $raw;
			substr($bad, $i, 1) ^= chr(1 << $bit);
			printf "SELECT \x27%d.%d\x27, id = \x27cl1_%s\x27::enc_int4 FROM t;\n",
			    $i, $bit, encode_base64url($bad);
		}
	}' "$forty" >"$WORK/flips"
flips=$(wc -l <"$WORK/flips")
[ "$flips" -ge 300 ] || fail "only $flips mutants"
{
	opening
	echo '\set ON_ERROR_STOP 0'
	cat "$WORK/flips"
} | psql_plain -v VERBOSITY=verbose >"$WORK/out" 2>"$WORK/errors"
[ ! -s "$WORK/out" ] || fail "accepted: $(cat "$WORK/out")"
expect "$flips" "$(grep -cE 'ERROR:  (XX001|42804|42704|22P02):' "$WORK/errors")" \
	"refusals: $(grep ERROR "$WORK/errors" | sort | uniq -c | sort -n)"

say "... cut short and made longer"
for n in 0 1 3 4 5 20 40 43; do
	refused "XX001|22P02" osql "SELECT id = '${forty:0:$n}'::enc_int4 FROM t"
done
refused "XX001|22P02" osql "SELECT id = '${forty}AAAA'::enc_int4 FROM t"
refused "XX001|22P02" osql "SELECT name = '${name}AAAA'::enc_text FROM t"

say "a plain literal, with a hint"
for literal in "40" "'40'" "'Ada'"; do
	refused "22P02|42883|42804" osql "SELECT id = $literal FROM t"
done
osql "INSERT INTO t (name) VALUES ('Ada Lovelace')" >"$WORK/out" 2>&1 &&
	fail "a plain value was stored"
grep -q '^HINT: ' "$WORK/out" || fail "no hint: $(cat "$WORK/out")"
! grep -q Lovelace <(grep -v '^LINE' "$WORK/out") || fail "the value is repeated"

say "the wrong type, the wrong group"
refused 42804 osql "INSERT INTO t (name) VALUES ('$forty')"
refused 42804 osql "SELECT name = '$forty'::enc_text FROM t"
echo "$forty" >"$WORK/forty"
refused 42804 osql "\\copy t (few) FROM '$WORK/forty'"
refused 42804 osql "\\copy t (name) FROM '$WORK/forty'"
osql "\\copy t (id) FROM '$WORK/forty'"
osql "DELETE FROM t WHERE name IS NULL"

say "what the group does not allow"
refused 42501 osql "SELECT few + few FROM t"
refused 42501 osql "SELECT sum(few) FROM t"
refused 42501 osql "UPDATE t SET id = few"
expect t "$(osql "SELECT few = few FROM t")" "what it allows"
osql "UPDATE t SET few = id"

say "another owner"
other=$WORK/other
mkdir "$other"
CLOISTER_HOME=$other/home owner_begin
export CLOISTER_HOME
mine=$CLOISTER_HOME
CLOISTER_HOME=$other/home
refused 28000 osql "SELECT count(*) FROM t WHERE id = id"
owner_provision
cloister group create theirs --ops all >/dev/null
stranger=$(lit theirs int4 40)
refused "42804|28000|42501" osql "SELECT id = '$forty'::enc_int4 FROM t"
CLOISTER_HOME=$mine
refused "42804|28000|42501" osql "SELECT id = $stranger FROM t"
expect 1 "$(osql "SELECT count(*) FROM t WHERE id = '$forty'")" "the owner"

say "a session's message works once, here, and not for long"
message=$(cloister session)
sql "SELECT cloister_open('$message')" >/dev/null
refused 28000 sql "SELECT cloister_open('$message')"
for i in 10 60 120 200; do
	flipped=${message:0:$i}$(tr 'A-Za-z' 'B-ZAb-za' <<<"${message:$i:1}")
	flipped=$flipped${message:$((i + 1))}
	refused "28000|08P01|22023|22P02|54000" \
		sql "SELECT cloister_open('$flipped')"
done
for i in 0 4 50; do
	refused "28000|08P01|22023|22P02" \
		sql "SELECT cloister_open('${message:0:$((i * 4))}')"
done
message=$(cloister session)
agent_stop primary
agent_start primary
refused 28000 sql "SELECT cloister_open('$message')"
engine=$(engine_pid primary)

say "frames"
perl "$(dirname "$0")/frames.pl" "$CLOISTER_SOCKET" || fail "frames"

agent_must_live
expect "$engine" "$(engine_pid primary)" "the engine that started is still there"
expect 1 "$(osql "SELECT count(*) FROM t WHERE id = '$forty'")" "it serves"
