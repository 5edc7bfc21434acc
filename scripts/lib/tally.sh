# shellcheck shell=bash
# Counts of a run. Sourced; `tally_end` prints the closing line and, when the
# run is part of a larger one, adds its counts to $CLOISTER_TALLY.

tally_passed=0 tally_failed=0 tally_skipped=0

tally() {
	tally_passed=$((tally_passed + $1))
	tally_failed=$((tally_failed + $2))
	tally_skipped=$((tally_skipped + $3))
}

# Prints the counts; succeeds when something ran and nothing failed.
tally_end() {
	if [ -n "${CLOISTER_TALLY-}" ]; then
		printf '%d %d %d\n' "$tally_passed" "$tally_failed" \
			"$tally_skipped" >>"$CLOISTER_TALLY"
	fi
	printf '%d passed, %d failed, %d skipped\n' \
		"$tally_passed" "$tally_failed" "$tally_skipped"
	[ "$tally_failed" -eq 0 ] && [ "$tally_passed" -gt 0 ]
}

# result NAME VERDICT SECONDS: one line of the report.
result() { printf '%-36s %-5s %4ds\n' "$1" "$2" "$3"; }
