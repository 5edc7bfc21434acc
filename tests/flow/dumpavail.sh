#!/bin/bash
# Debian's own package index, tens of thousands of rows with every type in
# them, in a plain and in an encrypted table. The queries of queries.sql run on
# both; the owner decrypts the second answers; they must be equal row by row.
# seconds: 600
. "$(dirname "$0")/lib.sh"
flow=$(dirname "$0")

say "the index"
rows=$(apt-cache dumpavail | perl "$flow/dumpavail.pl" "$WORK" "${ROWS:-0}")
[ "$rows" -ge 300 ] || skip "apt-cache dumpavail has only $rows packages"
say "$rows packages, $(wc -l <"$WORK/maint.csv") maintainers"

group ids --ops all
group names --ops all
group keys --ops all --suite aes-256-siv
group nums --ops all
group times --ops all

# table NAME, COLUMN TYPE GROUP...: the same table in both schemas.
tables() {
	local e=$1

	type() { if [ "$e" = enc ]; then echo "enc_$1('$2')"; else echo "$1"; fi; }
	cat <<-SQL
		CREATE SCHEMA $e;
		SET search_path = $e, public;
		CREATE TABLE pkg (id $(type int4 ids), package $(type text names),
			version $(type text names), source $(type text names),
			maint $(type int4 ids), section $(type text keys),
			priority $(type text keys), installed_size $(type int8 nums),
			size $(type int4 nums), essential $(type bool nums),
			score $(type float4 nums), ratio $(type float8 nums),
			sha $(type bytea keys), uid $(type uuid keys),
			released $(type date times), seen $(type timestamp times),
			synced $(type timestamptz times), ndeps $(type int2 nums),
			descr $(type text names));
		CREATE TABLE maint (id $(type int4 ids), name $(type text names),
			domain $(type text names));
		CREATE TABLE section (section $(type text keys),
			n $(type int4 nums), area $(type bool nums));
	SQL
}
finish() {
	cat <<-SQL
		SET search_path = $1, public;
		SET max_parallel_maintenance_workers = 0;
		ALTER TABLE maint ADD PRIMARY KEY (id);
		ALTER TABLE section ADD PRIMARY KEY (section);
		ALTER TABLE pkg ADD PRIMARY KEY (id);
		ALTER TABLE pkg ADD UNIQUE (uid);
		CREATE INDEX ON pkg (package);
		CREATE INDEX ON pkg (section, size);
		CREATE INDEX ON pkg USING hash (source);
		ALTER TABLE pkg ADD FOREIGN KEY (maint) REFERENCES maint;
		ALTER TABLE pkg ADD FOREIGN KEY (section) REFERENCES section;
		ANALYZE;
	SQL
}

say "load and index"
mkdir "$WORK/enc"
encrypt_csv pkg int4:ids text:names text:names text:names int4:ids text:keys \
	text:keys int8:nums int4:nums bool:nums float4:nums float8:nums \
	bytea:keys uuid:keys date:times timestamp:times timestamptz:times \
	int2:nums text:names
encrypt_csv maint int4:ids text:names text:names
encrypt_csv section text:keys int4:nums bool:nums
for e in plain enc; do
	start=$SECONDS
	[ "$e" = enc ] && from=$WORK/enc || from=$WORK
	{
		tables "$e"
		for t in maint section pkg; do
			echo "\\copy $t FROM '$from/$t.csv' (FORMAT csv)"
		done
		finish "$e"
	} | owner
	say "  $e: $((SECONDS - start)) s"
done

# NAME GROUP TYPE VALUE: the literals of queries.sql.
literals() {
	cat <<-LIST
		i_500	ids	int4	500
		i_5000	ids	int4	5000
		n_31	nums	int4	31
		n_10000	nums	int4	10000
		n_20000	nums	int4	20000
		b_100	nums	int8	100
		b_1000000	nums	int8	1000000
		s_2	nums	int2	2
		s_3	nums	int2	3
		d_0	nums	float8	0
		d_50	nums	float8	50
		r_1	nums	float4	1.5
		r_nan	nums	float4	NaN
		t_libq	names	text	libq
		t_libs	names	text	libs
		t_lib_dev	names	text	lib%-dev
		t_json	names	text	%c%library%
		t_escape	names	text	%100!%%
		t_team	names	text	%Team%
		t_sep	names	text	_
		t_debian	names	text	debian.org
		k_doc	keys	text	doc
		k_games	keys	text	games
		k_libs	keys	text	libs
		k_new	keys	text	a new section
		date_2020	times	date	2020-02-29
		ts_2005	times	timestamp	2005-06-01 12:00:00
		tz_2001	times	timestamptz	2001-01-01 00:00:00+00
		tz_2004	times	timestamptz	2004-01-01 00:00:00+00
		uuid_2	keys	uuid	20000000-0000-0000-0000-000000000000
		bytea_8	keys	bytea	\\x80
		bool_t	nums	bool	t
		bool_f	nums	bool	f
	LIST
}
# variables plain|enc: psql \set lines.
variables() {
	local name group type value

	while IFS=$'\t' read -r name group type value; do
		if [ "$1" = enc ]; then
			value=$(cell "$group" "$type" "$value")
			type=enc_$type
		fi
		printf "\\\\set %s '''%s''::%s'\n" "$name" "${value//\\/\\\\}" \
			"$type"
	done < <(literals)
	printf '\\set true %s\n' \
		"$([ "$1" = enc ] && echo cloister_is_true || echo bool)"
	for type in int4 int8 float8 text date timestamp; do
		if [ "$1" = enc ]; then
			printf '\\set %s enc_%s\n' "$type" "$type"
		else
			printf '\\set %s %s\n' "$type" "$type"
		fi
	done
}

# script plain|enc: every query's answer into a file of its own.
script() {
	opening
	variables "$1"
	printf 'SET search_path = %s, public; SET timezone = UTC;\n' "$1"
	perl -ne '
		if (/^-- ([a-z ]+)$/) {
			($q = $1) =~ tr/ /_/;
			printf "SELECT clock_timestamp() AS s \\gset\n" .
			    "\\o %s/%02d-%s\n", $ARGV[0] // $dir, ++$n, $q;
		} elsif (defined $q) {
			print;
		}
		if (/;$/ && $q) {
			printf "\\o\nSELECT rpad(\x27%s\x27, 24) || extract(millisecond " .
			    "FROM clock_timestamp() - :\x27s\x27::timestamptz)" .
			    "::int || \x27 ms\x27;\n", $q;
			$q = undef;
		}
		BEGIN { $dir = pop @ARGV }' "$flow/queries.sql" "$2"
}
say "ask both"
for e in plain enc; do
	mkdir "$WORK/answer.$e"
	script "$e" "$WORK/answer.$e" >"$WORK/script"
	say "$e"
	psql_plain -v VERBOSITY=verbose -f "$WORK/script" ||
		fail "a query on the $e tables"
done

say "compare"
queries=$(grep -cE '^-- [a-z ]+$' "$flow/queries.sql")
compared=0
for plain in "$WORK"/answer.plain/*; do
	name=$(basename "$plain")
	cloister decrypt <"$WORK/answer.enc/$name" >"$WORK/decrypted"
	[ -s "$plain" ] || fail "$name: no rows, so nothing is shown"
	# What RETURNING gives comes in the order of the scan.
	case $name in
	*upsert | *update | *delete)
		sort -o "$plain" "$plain"
		sort -o "$WORK/decrypted" "$WORK/decrypted"
		;;
	esac
	cmp "$plain" "$WORK/decrypted" || {
		diff "$plain" "$WORK/decrypted" | head -n 10
		fail "$name differs"
	}
	compared=$((compared + 1))
done
expect "$queries" "$compared" "queries compared"
cells=$(cat "$WORK"/answer.enc/* | grep -o 'cl1_' | wc -l)
[ "$cells" -gt "$rows" ] || fail "only $cells cells in the encrypted answers"
say "$compared answers equal: $(cat "$WORK"/answer.plain/* | wc -l) rows"

say "the planner uses the indexes"
{
	opening
	variables enc
	cat <<-'SQL'
		SET search_path = enc, public;
		EXPLAIN (COSTS OFF) SELECT * FROM pkg WHERE id = :i_500;
		EXPLAIN (COSTS OFF) SELECT * FROM pkg WHERE package = :t_libs;
	SQL
} | psql_plain >"$WORK/plan"
[ "$(grep -c 'Index.* Scan' "$WORK/plan")" -ge 2 ] ||
	fail "no index scan: $(cat "$WORK/plan")"
agent_must_live
