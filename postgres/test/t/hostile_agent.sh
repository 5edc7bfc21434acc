#!/bin/bash
# Whatever stands behind the socket: a wrong answer is an SQL error with the
# right SQLSTATE, never a crash, a hang or a result; and the same backend works
# with the real agent afterwards.
set -euo pipefail
cd "$(dirname "$0")/../../.."
fake=$CLOISTER_TMP/hostile_agent
socket=$CLOISTER_TMP/hostile.sock
cc -std=c11 -D_GNU_SOURCE -I. -o "$fake" postgres/test/hostile_agent.c \
	lib/frame.c lib/buf.c
pids=()
# One by one: a mode leaves its processes behind.
stop() { for p in "${pids[@]}"; do pkill -P "$p" || true; kill "$p"; done
	pids=(); } 2>/dev/null
trap stop EXIT

# expect SQLSTATE MODE: an agent that does not answer gets 700 ms.
expect() {
	local out timeout=30s
	[ "$1" != 57014 ] || timeout=700ms
	rm -f "$socket"
	"$fake" "$socket" "$2" &
	pids+=($!)
	while [ ! -S "$socket" ]; do sleep 0.02; done
	out=$(psql -XAtq -v ON_ERROR_STOP=0 2>&1 <<-SQL
		\set QUIET on
		SET cloister.socket = '$socket';
		SET cloister.timeout = '$timeout';
		SELECT cloister_agent_status();
		\echo state :SQLSTATE
		RESET cloister.socket;
		SET cloister.timeout = '60s';
		SELECT 'real ' || (cloister_status() ->> 'tee');
	SQL
	)
	stop
	if ! grep -qx "state $1" <<<"$out" || ! grep -qx 'real sim' <<<"$out"
	then
		printf '%s: %s expected\n%s\n' "$2" "$1" "$out"
		exit 1
	fi
	echo "ok: $2 gives $1"
}

expect 00000 honest
for mode in version hello-long hello-short oversized flags other-id \
	bad-detail trailing blob; do
	expect 08P01 $mode
done
for mode in not-utf8 nul; do
	expect 22021 $mode
done
expect 08006 close
expect XX000 unknown-status
for mode in silence half-header half-body; do
	expect 57014 $mode
done
[ "${CLOISTER_TRANSPORT-ring}" = ring ] || exit 0
expect 00000 ring-honest
for mode in ring-length ring-slot ring-request; do
	expect 08P01 $mode
done
for mode in ring-id ring-seq; do
	expect 57014 $mode
done
