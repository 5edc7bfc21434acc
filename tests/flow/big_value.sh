#!/bin/bash
# A text of 1 MB behaves as a short one does, larger than any ring slot as it
# is; one byte more than a cell may hold is refused where it is made.
# seconds: 120
. "$(dirname "$0")/lib.sh"

[ "$CLOISTER_ARENA_MB" -ge 64 ] ||
	skip "only $CLOISTER_ARENA_MB MiB of lockable memory: too little for 1 MB"
group texts --ops all
sql "CREATE TABLE t (id int PRIMARY KEY, v enc_text('texts'))" >/dev/null

# big N: N bytes of text that does not compress.
big() {
	perl -e 'srand 1; my $s = "m"; $s .= chr(97 + rand 26)
		while length $s < $ARGV[0]; print "$s\n"' "$1"
}

say "in and out"
big 1048576 >"$WORK/a"
{
	printf 'b'
	tail -c +2 "$WORK/a"
} >"$WORK/b"
for f in a b; do
	cloister encrypt --group texts --type text <"$WORK/$f" >"$WORK/$f.cell"
done
echo short | cloister encrypt --group texts --type text >"$WORK/c.cell"
cat "$WORK"/{a,b,c}.cell | awk '{ print NR "\t" $0 }' >"$WORK/rows"
osql "\\copy t FROM '$WORK/rows'"
sql "SELECT v FROM t WHERE id = 1" | cloister decrypt | cmp - "$WORK/a" ||
	fail "1 MB does not come back as it went"

say "compute on it"
owner <<-SQL | cloister decrypt >"$WORK/out"
	SELECT length(v) FROM t ORDER BY id;
	SELECT count(*) FROM t x JOIN t y USING (v);
	SELECT id FROM t ORDER BY v;
	SELECT id FROM t WHERE v LIKE $(lit texts text 'b%') ORDER BY id;
	SELECT substr(v, 1048570, 20) FROM t WHERE id = 1;
	SELECT length(v || v) FROM t WHERE id = 2;
SQL
{
	printf '%s\n' 1048576 1048576 5 3 2 1 3 2
	tail -c 8 "$WORK/a"
	printf '%s\n' 2097152
} | diff - "$WORK/out" || fail "answers about 1 MB"

say "one too large"
status=0
big 33554432 | cloister encrypt --group texts --type text \
	>"$WORK/out" 2>"$WORK/error" || status=$?
expect 1 "$status" "exit code for 32 MB"
[ -s "$WORK/error" ] || fail "no word about why"
[ ! -s "$WORK/out" ] || fail "a cell of 32 MB came out"

say "values that grow out of the limit are an error, and the agent stays"
four='(v || v) || (v || v)'
osql "SELECT length(($four) || ($four)) FROM t WHERE id = 1" \
	>"$WORK/out" 2>"$WORK/error" && fail "8 MB fit into a cell?"
grep -q 'ERROR:  54000' "$WORK/error" || fail "$(tail -n 3 "$WORK/error")"
agent_must_live
expect 6 "$(osql "SELECT count(*) * 2 FROM t WHERE v IS NOT NULL")" "after it"
