#!/bin/bash
# The engine is confined before the first key arrives, on every thread, and the
# confinement bites.
# transports: ring
# seconds: 150
. "$(dirname "$0")/../flow/lib.sh"
engine=$(engine_pid primary)
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$engine/task/$1/status"; }

group ids --ops all
osql "SELECT 1" >/dev/null
threads=0
for task in /proc/"$engine"/task/*; do
	t=${task##*/}
	expect 2 "$(status_of "$t" Seccomp)" "seccomp of thread $t"
	expect 1 "$(status_of "$t" NoNewPrivs)" "no-new-privs of thread $t"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[ "$set" != CapBnd ] || [ "$(id -u)" -eq 0 ] || continue
		expect 0000000000000000 "$(status_of "$t" "$set")" \
			"$set of thread $t"
	done
	threads=$((threads + 1))
done
[ "$threads" -ge 2 ] || fail "only $threads thread: the workers are missing"
say "$threads threads confined"

[ "$(stat -c %u "/proc/$engine/maps")" -eq 0 ] ||
	fail "the engine is dumpable: its /proc belongs to its user"
expect 0 "$(awk '/Max core file size/ { print $5 }' "/proc/$engine/limits")" \
	"core file limit"

# Only root may look at the descriptors of what is not dumpable.
descriptors() {
	local fd target inode

	say "no file, no device, no network among its descriptors"
	for fd in /proc/"$engine"/fd/*; do
		target=$(readlink "$fd" || true)
		case $target in
		socket:* | /dev/null | anon_inode:* | *secretmem* | /memfd:* | \
			pipe:* | '') ;;
		*) fail "descriptor ${fd##*/} is $target" ;;
		esac
	done
	for inode in $(find "/proc/$engine/fd" -lname 'socket:*' -printf '%l\n' |
		tr -dc '0-9\n'); do
		! grep -qs " $inode " /proc/net/{tcp,tcp6,udp,udp6} ||
			fail "a network socket"
	done
}
if [ "$(id -u)" -eq 0 ]; then
	descriptors
else
	! ls "/proc/$engine/fd" >/dev/null 2>&1 ||
		fail "its own user can list its descriptors"
fi

say "nobody of its own user can trace it"
cat >"$CLOISTER_TMP/bin/trace.pl" <<'PERL'
# PTRACE_ATTACH
my $r = syscall(101, 16, shift, 0, 0);
exit($r == 0 ? 0 : 1);
PERL
if as "$(engine_user)" perl "$CLOISTER_TMP/bin/trace.pl" "$engine"; then
	fail "traced"
fi

say "a fault leaves no core, and the broker starts another engine"
kill -s SEGV "$engine"
another() {
	local now

	now=$(engine_pid primary)
	[ -n "$now" ] && [ "$now" != "$engine" ] && osql "SELECT 1"
}
wait_for 60 another || fail "no new engine"
[ -z "$(find "$CLOISTER_TMP/primary/agent" "$CLOISTER_TMP" -maxdepth 1 \
	-name 'core*')" ] || fail "a core was written"
