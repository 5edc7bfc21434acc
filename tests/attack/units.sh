#!/bin/bash
# cluster: none
# transports: ring
# Do the systemd units parse, and how exposed do they leave the services?
# The scale is systemd's own: 0 nothing, 10 everything.
set -euo pipefail
cd "$(dirname "$0")/../../agent/units"

command -v systemd-analyze >/dev/null || {
	echo "skipped: no systemd-analyze on this machine"
	exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The program need not be installed to check the rest.
for unit in *; do
	sed 's,/usr/sbin/cloisterd,/bin/true,' "$unit" >"$work/$unit"
done
verdict=$(systemd-analyze verify --man=no "$work"/* 2>&1) || {
	printf '%s\n' "$verdict"
	exit 1
}
[ -z "$verdict" ] || {
	printf 'the units give warnings:\n%s\n' "$verdict"
	exit 1
}

# exposed UNIT MOST: MOST in tenths.
exposed() {
	systemd-analyze security --offline=true --threshold="$2" "$1" \
		>"$work/out" 2>&1 || {
		cat "$work/out"
		return 1
	}
}
exposed "$PWD/cloister-engine.service" 8
exposed "$PWD/cloister.service" 15

# Control: a service that confines nothing is over the same thresholds.
printf '[Service]\nExecStart=/bin/true\n' >"$work/open.service"
if exposed "$work/open.service" 15 >/dev/null; then
	echo "an open service passes: the check checks nothing"
	exit 1
fi
