# shellcheck shell=bash
# What the flow tests share. Each runs inside scripts/with-cluster.
set -euo pipefail
# shellcheck source=../../scripts/lib/cluster.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib/cluster.sh"
WORK=$CLOISTER_TMP/work
mkdir -p "$WORK"
export LC_ALL=C.UTF-8

# A test that starts nodes or jobs itself leaves none behind.
trap 'status=$?; jobs -p | xargs -r kill 2>/dev/null || true; exit $status' EXIT
trap 'printf "%s:%d: failed: %s\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR
set -E

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}

psql_plain() { psql -qXAt -v ON_ERROR_STOP=1 "$@"; }

# sql STATEMENT...: without a session.
sql() { psql_plain -v VERBOSITY=verbose -c "$*"; }

# The two lines by which an owner's psql opens its session.
opening() {
	# shellcheck disable=SC2016 # psql runs it
	printf '%s\n' '\set m `cloister session`' \
		"SELECT cloister_open(:'m', 'session') \\g /dev/null"
}

# owner: runs a script from standard input in a session.
owner() {
	{
		opening
		cat
	} | psql_plain -v VERBOSITY=verbose
}

# osql STATEMENT...: statements in a session of their own.
osql() { printf '%s\n' "$*" | owner; }

# cell GROUP TYPE VALUE: one encrypted literal's text.
cell() { printf '%s\n' "$3" | cloister encrypt --group "$1" --type "$2"; }

# lit GROUP TYPE VALUE: the same as an SQL literal.
lit() { printf "'%s'::enc_%s" "$(cell "$@")" "$2"; }

group() { cloister group create "$@" >/dev/null; }

# expect WANTED GOT WHAT
expect() {
	[ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"
}

# refused SQLSTATE COMMAND...: must fail with that SQLSTATE.
refused() {
	local state=$1 out status=0

	shift
	out=$("$@" 2>&1) || status=$?
	[ "$status" -ne 0 ] || fail "not refused: $*: $out"
	grep -qE "(ERROR|FATAL):  ($state):" <<<"$out" ||
		fail "expected SQLSTATE $state from: $*: $out"
}

# within SECONDS COMMAND...: ends by then, however.
within() {
	local limit=$1 start status=0

	shift
	start=$(date +%s%N)
	"$@" || status=$?
	elapsed_ms=$((($(date +%s%N) - start) / 1000000))
	[ "$elapsed_ms" -le $((limit * 1000)) ] ||
		fail "took $elapsed_ms ms, allowed $limit s: $*"
	return "$status"
}

agent_must_live() {
	agent_listens "$CLOISTER_NODE" || fail "the agent is gone"
	pid_alive "$CLOISTER_TMP/$CLOISTER_NODE/agent.pid" ||
		fail "the broker is gone"
}

# encrypt_csv FILE TYPE:GROUP...: $WORK/FILE.csv to $WORK/enc/FILE.csv.
encrypt_csv() {
	local file=$1 columns='' n=1 spec

	shift
	for spec in "$@"; do
		columns+="${columns:+,}$n:$spec"
		n=$((n + 1))
	done
	cloister encrypt --csv --columns "$columns" <"$WORK/$file.csv" \
		>"$WORK/enc/$file.csv"
}
