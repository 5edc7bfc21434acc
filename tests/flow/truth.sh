#!/bin/sh
# transports: ring
# seconds: 300
#
# Every operation on values compared with PostgreSQL itself: reading and
# printing, comparing, arithmetic, LIKE, substring, extract, casts, aggregates,
# sorting. Uses the server that PGHOST names; without one, a throwaway one.
# TRUTH_SEED and TRUTH_COUNT choose other and more cases.
set -eu
cd "$(dirname "$0")/../.."

tool=${TRUTH_TOOL:-build/release/flow/truth_tool}
seed=${TRUTH_SEED:-$(date +%Y%m%d)}
count=${TRUTH_COUNT:-150000}
pgbin=${PGBIN:-$(pg_config --bindir 2>/dev/null || echo /usr/lib/postgresql/15/bin)}
dir=$(mktemp -d)
started=

as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --init-groups "$@"
	else
		"$@"
	fi
}

finish() {
	if [ -n "$started" ]; then
		(cd / && as_postgres "$pgbin/pg_ctl" -D "$dir/data" -m immediate \
		    stop >/dev/null 2>&1) || true
	fi
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

start_server() {
	[ "$(id -u)" != 0 ] || chown postgres "$dir"
	(
		cd /
		as_postgres "$pgbin/initdb" -D "$dir/data" -U postgres -A trust \
		    -N -E UTF8 --locale=C >/dev/null
		as_postgres "$pgbin/pg_ctl" -D "$dir/data" -w -l "$dir/log" -o \
		    "-c listen_addresses= -c unix_socket_directories=$dir -F" \
		    start >/dev/null
	)
	started=1
	export PGHOST="$dir" PGUSER=postgres PGDATABASE=postgres
}

[ -n "${PGHOST:-}" ] || start_server
"$tool" "$seed" "$count" >"$dir/cases"

# What differs on purpose: dates may be written in more ways in PostgreSQL, a
# bad time zone offset and bad hex digits have their own SQLSTATE there, the
# average of integers has more digits than a float8 there, and no limit on the
# sum of int8; and its average of floats fails when the sum of their squares,
# which is not asked for, overflows. It does not check the minutes and seconds
# of a compact time, nor read every zone behind one.
psql -X -q -v ON_ERROR_STOP=1 >"$dir/verdict" <<EOF
set client_encoding = 'UTF8';
set timezone = 'UTC';
set datestyle = 'ISO, MDY';
set extra_float_digits = 1;
set bytea_output = 'hex';
set client_min_messages = 'error';
create temp table cases (kind text, sql text, ours text);
\copy cases from '$dir/cases'
create function pg_temp.truth(sql text) returns text language plpgsql as \$\$
declare
	r text;
begin
	execute case when sql ~ '^(select|with)' then 'select x::text from ('
	    || sql || ') s(x)' else 'select (' || sql || ')::text' end into r;
	return coalesce(r, 'NULL');
exception when others then
	return '!' || sqlstate;
end \$\$;
create function pg_temp.same(kind text, sql text, ours text,
	theirs text) returns bool
language sql as \$\$
	select ours = theirs
	    or kind ~ '^read (date|timestamp)' and ours = '!22007'
	    or kind ~ '^(read|form) (date|timestamp)' and ours = '!22008'
		and theirs = '!22009'
	    or kind ~ '^form' and sql ~ 'T\\d{6}' and ours = '!22008'
		and theirs !~ '!'
	    or kind ~ '^form' and sql ~ 'T\\d{6}-'
		and theirs in ('!22007', '!22008')
	    or kind = 'read bytea' and ours = '!22P02' and theirs = '!22023'
	    or kind = 'avg int8' and ours = '!22003'
	    or kind ~ '^avg float' and theirs = '!22003'
	    or kind ~ '^avg int' and left(ours, 1) not in ('!', 'N', 'I')
		and left(theirs, 1) not in ('!', 'N', 'I')
		and abs(ours::float8 - theirs::float8)
		    <= 4e-16 * abs(theirs::float8)
\$\$;
create temp table answers as
	select kind, sql, ours, pg_temp.truth(sql) theirs from cases;
\pset format unaligned
\pset tuples_only on
select 'differs: ' || kind || ': ' || left(sql, 1000) || ' -> ' || theirs
	|| ', but here ' || ours
	from answers where not pg_temp.same(kind, sql, ours, theirs)
	order by length(sql) limit 40;
select 'ok: ' || kind || ': ' || count(*) || ' cases, '
	|| count(*) filter (where theirs like '!%') || ' of them errors, '
	|| count(*) filter (where theirs = 'NULL') || ' null'
	from answers where pg_temp.same(kind, sql, ours, theirs)
	group by kind order by kind;
select 'total: ' || count(*) || ' compared, seed $seed' from answers;
EOF
cat "$dir/verdict"
grep -q '^total: [1-9]' "$dir/verdict"
! grep -q '^differs: ' "$dir/verdict"
