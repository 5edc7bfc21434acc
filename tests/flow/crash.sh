#!/bin/bash
# Engine, broker and postgres are killed with SIGKILL at random moments while
# four clients write. No row whose COMMIT was answered is lost, no row is
# wrong, no transaction is there in part, and the indexes stay sound.
# seconds: 300
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-9}
clients=4

group ids --ops all
group names --ops all
sql "CREATE TABLE t (id enc_int4('ids') PRIMARY KEY,
		name enc_text('names') UNIQUE, client int, batch int);
	CREATE EXTENSION amcheck" >/dev/null

say "prepare what will be written: batches of 5 rows"
for c in $(seq $clients); do
	mkdir "$WORK/c$c"
	seq 3000 | awk -v c="$c" '{ print c * 100000 + $1 }' >"$WORK/c$c/n"
	cloister encrypt --group ids --type int4 <"$WORK/c$c/n" \
		>"$WORK/c$c/ids"
	sed 's/^/name of /' "$WORK/c$c/n" |
		cloister encrypt --group names --type text >"$WORK/c$c/names"
	paste -d ' ' "$WORK/c$c/ids" "$WORK/c$c/names" | awk -v c="$c" -v q="'" '
		(NR - 1) % 5 == 0 { printf "INSERT INTO t VALUES " }
		{ printf "(%s%s%s,%s%s%s,%d,%d)%s", q, $1, q, q, $2, q, c,
			int((NR - 1) / 5), NR % 5 ? "," : ";\n" }' \
		>"$WORK/c$c/statements"
done

# writer CLIENT: one batch after the other until told to stop. A batch counts
# as acknowledged when psql's status says that its COMMIT was answered; one
# that was not is tried again and may turn out to be there already.
writer() {
	local dir=$WORK/c$1 batch=0 statement

	trap - EXIT ERR
	set +e
	while IFS= read -r statement; do
		until osql "$statement" >"$dir/out" 2>&1; do
			[ ! -e "$WORK/stop" ] || return 0
			if grep -q 'ERROR:  23505' "$dir/out"; then
				echo "$batch" >>"$dir/doubtful"
				break
			fi
			sleep 0.1
		done
		echo "$batch" >>"$dir/acked"
		batch=$((batch + 1))
		[ ! -e "$WORK/stop" ] || return 0
	done <"$dir/statements"
}

for c in $(seq $clients); do
	writer "$c" &
done

victims=(engine broker postgres)
for round in $(seq "$rounds"); do
	sleep "0.$((RANDOM % 90 + 10))"
	victim=${victims[$((round % 3))]}
	before=$(cat "$WORK"/c*/acked 2>/dev/null | wc -l)
	case $victim in
	engine)
		kill -s KILL "$(engine_pid primary)" || true
		;;
	broker)
		agent_crash primary
		agent_start primary
		;;
	postgres)
		pg_crash primary
		pg_start primary
		;;
	esac
	written() {
		[ "$(cat "$WORK"/c*/acked 2>/dev/null | wc -l)" -gt "$before" ]
	}
	wait_for 60 written || fail "round $round: no write after the $victim died"
	say "round $round: $victim killed after $before batches"
done
touch "$WORK/stop"
wait

say "what was acknowledged is there"
for c in $(seq $clients); do
	sort -un "$WORK/c$c/acked" | sed "s/^/$c /"
done | sort >"$WORK/acked"
sql "SELECT client || ' ' || batch FROM t GROUP BY client, batch
	HAVING count(*) = 5" | sort >"$WORK/there"
lost=$(comm -23 "$WORK/acked" "$WORK/there")
[ -z "$lost" ] || fail "lost batches: $lost"
expect 0 "$(sql "SELECT count(*) FROM (SELECT 1 FROM t GROUP BY client, batch
	HAVING count(*) <> 5) x")" "transactions in part"

say "and right: $(wc -l <"$WORK/acked") batches"
osql "SELECT id, name FROM t ORDER BY id" | cloister decrypt >"$WORK/rows"
wrong=$(awk -F '|' '$2 != "name of " $1' "$WORK/rows")
[ -z "$wrong" ] || fail "wrong rows: $wrong"
sort -n -t '|' "$WORK/rows" | cmp - "$WORK/rows" || fail "wrong order"
owner <<-SQL
	SELECT bt_index_parent_check('t_pkey', true) \g /dev/null
	SELECT bt_index_parent_check('t_name_key', true) \g /dev/null
SQL
