#!/bin/bash
# Runs inside the guest of scripts/vm-lane, as root, started by systemd: the
# units, the TPM and PostgreSQL as an administrator and an owner meet them.
# One line for each check on the second serial port. The guest starts twice:
# the second boot shows that nobody has to come after one.
set -uo pipefail
exec >/dev/ttyS1 2>&1 </dev/null
export LC_ALL=C.UTF-8 PAGER=cat SYSTEMD_COLORS=0
export TPM2TOOLS_TCTI=device:/dev/tpmrm0
here=/var/lib/vm-lane
units=(cloister-engine-db.socket cloister-engine-broker.socket
	cloister-engine.service cloister.service)
mkdir -p "$here"
out=$here/out
home=$(getent passwd owner | cut -d : -f 6)

# check NAME COMMAND...: what it says is shown when it fails.
check() {
	local name=$1

	shift
	if "$@" >"$out" 2>&1; then
		printf 'ok %s\n' "$name"
	else
		printf 'FAIL %s\n' "$name"
		tail -n 15 "$out" | cut -c 1-300 | sed 's/^/     | /'
	fi
}

note() { printf 'note %s\n' "$*"; }

# wait_for SECONDS COMMAND...
wait_for() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || {
			"$@"
			return
		}
		sleep 1
	done
}

fails() { ! "$@"; }
same() { [ "$1" = "$2" ] || { echo "expected '$2', got '$1'" && false; }; }
pid_of() { systemctl show -P MainPID "$1"; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(pid_of "$1")/status"; }

# journal OPTION...: since the last mark(), in whole seconds. (A cursor would
# lose the first line that a filter lets through.)
mark() {
	sleep 2
	marked=$(date '+%F %T')
}
journal() { journalctl -q -o cat --since "$marked" "$@"; }
logged() { journal -u 'cloister*' | grep -iE -- "$1"; }

# ---- the owner --------------------------------------------------------------

# The owner has an account, a database, and a role without privileges.
as_owner() { runuser -u owner -- env -C "$home" PGDATABASE=app "$@"; }
cl() { as_owner cloister "$@"; }
psql_owner() { as_owner psql -qXAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"; }
cell() { printf '%s\n' "$3" | cl encrypt --group "$1" --type "$2"; }

# osql STATEMENT: in a session of the owner.
osql() {
	# shellcheck disable=SC2016 # psql runs it
	printf '%s\n' '\set m `cloister session`' \
		"SELECT cloister_open(:'m', 'session') \\g /dev/null" "$1" |
		psql_owner
}

query() {
	osql "SELECT name FROM staff WHERE pay > '$(cell hr int4 4000)'
		ORDER BY pay DESC" | cl decrypt
}
serves() { same "$(query 2>&1)" $'Grace\nAda'; }
serves_soon() { wait_for 180 serves; }

refused_28000() {
	osql 'SELECT count(*) FROM staff WHERE pay = pay' >"$here/sql" 2>&1 && {
		echo 'not refused' && cat "$here/sql" && return 1
	}
	grep -E '28000' "$here/sql" || { cat "$here/sql" && false; }
}

owner_begin() {
	runuser -u postgres -- createuser owner &&
		runuser -u postgres -- createdb -O owner -E UTF8 -T template0 \
			--locale=C.UTF-8 app &&
		psql_owner -c 'CREATE EXTENSION cloister' && cl init
}

# The TPM's attestation key, as the owner enrols it: from the TPM itself, with
# other software than ours, before the machine is given away.
pin_key() {
	local a='fixedtpm|fixedparent|sensitivedataorigin|userwithauth'

	tpm2_createprimary -Q -C e -g sha256 -G ecc256:ecdsa-sha256:null \
		-a "$a|restricted|sign|noda" -c "$here/ak.ctx" &&
		tpm2_readpublic -Q -c "$here/ak.ctx" -n "$here/ak.name" ||
		return 1
	tpm2_flushcontext -t 2>/dev/null
	printf '{"v":1,"tpm":{"ak_name":["%s"],"eventlog":%s}}\n' \
		"$(od -An -v -tx1 "$here/ak.name" | tr -d ' \n')" \
		'{"require":true,"agent":true}' \
		>"$home"/pin.json
	chmod 644 "$home"/pin.json
}

# Evidence with a nonce of ours, checked against a policy.
evidence() {
	local nonce

	nonce=$(od -An -v -N 32 -tx1 /dev/urandom | tr -d ' \n')
	cl report --nonce "$nonce" >"$home"/evidence.json &&
		cl verify "$home"/evidence.json --nonce "$nonce" "$@"
}

policy_from_evidence() {
	rm -f "$home"/.cloister/policy.json
	cl policy init --from "$home/evidence.json" \
		--policy "$home/pin.json" \
		--out "$home/.cloister/policy.json"
}

load() {
	psql_owner -c "CREATE TABLE staff (name enc_text('hr'),
		pay enc_int4('hr') PRIMARY KEY)" &&
		osql "INSERT INTO staff VALUES
	('$(cell hr text Ada)', '$(cell hr int4 5000)'),
	('$(cell hr text Alan)', '$(cell hr int4 3000)'),
	('$(cell hr text Grace)', '$(cell hr int4 6000)')"
}

# ---- the units --------------------------------------------------------------

active() { systemctl is-active "${units[@]}" postgresql@15-main.service; }
all_active() { wait_for 180 active || systemctl status -n 20 "${units[@]}"; }
# What it does not understand, systemd leaves out.
understood() {
	fails journalctl -q -b -o cat _PID=1 --grep \
		'cloister.*(Missing|Unknown|Invalid|Failed to parse|ignoring)'
}
none_failed() {
	[ -z "$(systemctl list-units --failed --plain --no-legend)" ] || {
		systemctl list-units --failed --plain --no-legend
		journalctl -q -o cat -u 'cloister*' | tail -n 12
		false
	}
}

running_as_meant() {
	local e=cloister-engine.service b=cloister.service

	[ "$(status_of $e Uid | cut -f 1)" -ge 61184 ] &&
		same "$(status_of $b Uid)" $'0\t0\t0\t0' &&
		same "$(status_of $e CapEff)" 0000000000000000 &&
		same "$(status_of $b CapEff)" 0000000000000000 &&
		same "$(status_of $e NoNewPrivs)" 1 &&
		same "$(status_of $e Seccomp)" 2 &&
		same "$(status_of $b Seccomp)" 2
}

secret_memory() {
	grep -m 1 secretmem "/proc/$(pid_of cloister-engine)/maps" &&
		fails in_journal cloister.service 'runs without\|NO memfd'
}

# exposed UNIT MOST: systemd's own score, of what runs; MOST in tenths.
exposed() {
	systemd-analyze security --threshold="$2" "$1" >"$here/score"
	local status=$?

	note "$(tail -n 1 "$here/score" | sed 's/^[^A-Za-z]*//')" >/dev/ttyS1
	return "$status"
}

config_names_tpm() {
	cloisterd --check-config | tee /dev/stderr |
		grep -q 'tee = tpm: tpm: the TPM answers'
}

# Who may connect is decided by uid, through the engine's own namespaces.
stranger_refused() {
	fails runuser -u nobody -- env HOME=/nonexistent cloister report \
		--socket /run/cloister/db.sock
}

in_broker() { nsenter -t "$(pid_of cloister)" -m -- "$@"; }

# says TEXT COMMAND...: it fails, and TEXT is why.
says() {
	local got

	got=$("${@:2}" 2>&1) && { echo "not refused: ${*:2}" && return 1; }
	printf '%s: %s\n' "${*:2}" "$got"
	grep -q -- "$1" <<<"$got"
}

# Without confidential hardware the kernel has no provider of reports, and says
# so (ENXIO); a read-only mount would have answered first.
configfs_open() {
	modprobe tsm && test -d /sys/kernel/config/tsm/report &&
		systemctl restart cloister.service &&
		says 'No such device' \
			in_broker mkdir /sys/kernel/config/tsm/report/x &&
		says 'Read-only' in_broker mkdir /sys/kernel/config/x &&
		says 'Read-only' in_broker mkdir /etc/cloister/x &&
		says 'Read-only' in_broker \
			sh -c 'echo 0 >/proc/sys/kernel/panic' &&
		in_broker touch /run/cloister/x && rm /run/cloister/x
}

# Root, who may read every process, reads code of the engine but not the arena.
read_engine() {
	perl -e 'open my $m, "<", "/proc/$ARGV[0]/mem" or die "$!\n";
		sysseek $m, hex $ARGV[1], 0;
		sysread($m, my $b, 16) or die "$!\n"' \
		"$(pid_of cloister-engine)" "$1"
}
area() {
	grep -m 1 -- "$1" "/proc/$(pid_of cloister-engine)/maps" |
		cut -d - -f 1
}
secret_unreadable() {
	read_engine "$(area 'r-xp.*cloisterd')" &&
		says 'Input/output error' read_engine "$(area secretmem)"
}

only_its_devices() {
	in_broker test -c /dev/tpmrm0 &&
		same "$(stat -c %a /var/lib/cloister)" 700 &&
		[ -z "$(find /var/lib/cloister -type f -perm /077)" ]
}

engine_kept() {
	local before

	before=$(pid_of cloister-engine)
	systemctl restart cloister.service && serves_soon &&
		same "$(pid_of cloister-engine)" "$before"
}

comes_back() {
	local unit=$1 before

	before=$(pid_of "$unit")
	kill -s KILL "$before" && serves_soon &&
		fails same "$(pid_of "$unit")" "$before" >/dev/null
}

killed_often() {
	for _ in $(seq 30); do
		systemctl kill -s KILL "$1"
		sleep 0.2
	done
}

# systemd gives up on what dies five times in ten seconds, and closes its
# socket, unless told not to. Control: a unit that was not told.
many_deaths() {
	local unit=/run/systemd/system/control

	killed_often cloister-engine.service
	serves_soon || return 1
	printf '[Service]\nExecStart=/bin/sleep infinity\n%s\n' \
		$'Restart=always\nRestartSec=1' >$unit.service
	printf '[Socket]\nListenStream=/run/control.sock\n' >$unit.socket
	systemctl daemon-reload
	systemctl start control.socket control.service
	killed_often control.service
	note "control after as many deaths: $(systemctl is-failed \
		control.service control.socket | xargs)" >/dev/ttyS1
	systemctl stop control.socket control.service
	systemctl reset-failed 'control.*'
	rm $unit.service $unit.socket
	systemctl daemon-reload
}

no_core() { [ -z "$(find / -xdev -name 'core*' -type f -size +1M)" ]; }

# ---- what a PCR decides -----------------------------------------------------

# The reason is the one error in the journal.
pcr_changed() {
	local errors

	mark
	tpm2_pcrextend "11:sha256=$(printf '%064d' 7)" &&
		systemctl restart cloister-engine.service &&
		wait_for 180 logged 'sealed keys stay sealed.*PCR *11' ||
		return 1
	errors=$(journal -p err -u cloister.service)
	same "${errors%, now*}" \
		'sealed keys stay sealed: PCR 11: sealed to 00000000...'
}

# With its event in the log that the policy asks for.
measured() {
	tpm2_pcrread sha256:15
	fails grep -q '0x0\{64\}' <(tpm2_pcrread sha256:15) &&
		in_journal cloister.service 'measured: PCR 15' &&
		grep -o '"eventlog[^,]*' "$here/verify"
}

# refused_for TEXT: evidence is not accepted, and that is why.
refused_for() {
	evidence >"$here/verify" && echo 'accepted' && return 1
	grep -i -- "$1" "$here/verify" || { cat "$here/verify" && false; }
}

# ---- stopping and starting --------------------------------------------------

config_change() {
	mark
	printf '[log]\ndebug = yes\n' >>/etc/cloister/cloister.conf
	systemctl restart cloister.service &&
		wait_for 120 logged 'configuration has changed' && serves_soon
}

# It heals without systemctl, however long it was wrong.
bad_config() {
	cp /etc/cloister/cloister.conf "$here/conf"
	mark
	printf 'nonsense = 1\n' >>/etc/cloister/cloister.conf
	systemctl restart cloister.service
	sleep 20
	cp "$here/conf" /etc/cloister/cloister.conf
	logged "unknown key 'nonsense'" && wait_for 120 \
		systemctl is-active cloister.service && serves_soon
}

# Waits for no kill: whoever does not leave in time is in the journal.
stops() {
	mark
	systemctl stop "${units[@]}" || return 1
	fails test -e /run/cloister/db.sock &&
		fails logged 'timed out|SIGKILL|Failed with result' &&
		fails pgrep -x cloisterd && fails pgrep cloister-engine
}

starts_again() {
	systemctl start cloister.service && serves_soon
}

journal_ends_well() {
	fails journalctl -q -o cat -b -k --grep 'cloister.*segfault|Oops|BUG:'
}

# ---- the two boots ----------------------------------------------------------

always() {
	check 'every unit is active' all_active
	check 'no unit failed' none_failed
	check 'systemd understands the units' understood
	check 'uids, capabilities and filters are as meant' running_as_meant
	check 'keys are in memfd_secret' secret_memory
}

first_boot() {
	note "$(uname -r), systemd $(systemctl --version | sed -n 1p)"
	always
	check 'cloisterd --check-config names the TPM' config_names_tpm
	check 'the journal has the broker'\''s lines' \
		wait_for 30 in_journal cloister.service 'tee tpm: the TPM answers'
	check 'the engine is exposed little' exposed cloister-engine.service 8
	check 'the broker is exposed little' exposed cloister.service 15
	check 'devices and state are the broker'\''s' only_its_devices
	check 'another local user is refused' stranger_refused
	check 'owner, extension and database' owner_begin
	check 'the attestation key is pinned' pin_key
	check 'evidence of the TPM verifies' genuine
	check 'the start of the agent is in PCR 15' measured
	check 'a policy is made from it' policy_from_evidence
	check 'evidence passes that policy' evidence
	check 'and claims memfd_secret' grep -o memfd_secret \
		"$home/evidence.json"
	check 'keys are provisioned and sealed' cl provision --seal
	check 'a group is made' cl group create hr --ops all
	check 'encrypted rows are loaded' load
	check 'an encrypted query' serves
	check 'the engine restarts unattended' \
		restarted cloister-engine.service
	check 'the broker restarts, the engine stays' engine_kept
	check 'root cannot read them' secret_unreadable
	check 'the engine comes back after kill -9' comes_back cloister-engine
	check 'the broker comes back after kill -9' comes_back cloister
	check 'the engine comes back after many deaths' many_deaths
	check 'PostgreSQL restarts' restarted postgresql@15-main.service
	check 'configfs can be written, nothing beside it' configfs_open
	check 'still an encrypted query' serves_soon
	check 'a PCR that changed keeps keys sealed, with reason' pcr_changed
	check 'and queries are refused' refused_28000
	check 'and its evidence is refused' refused_for pcr
	check 'no cores, no crashes' quiet
}

second_boot() {
	always
	check 'after a boot nobody has to come' serves_soon
	check 'the same policy accepts the evidence' evidence
	check 'a changed configuration is taken' config_change
	check 'and its evidence is refused' refused_for config
	check 'a wrong one is refused with the reason' bad_config
	check 'all units stop' stops
	check 'and start again' starts_again
	check 'no cores, no crashes' quiet
}

# in_journal UNIT TEXT
in_journal() { journalctl -q -b -o cat -u "$1" | grep -- "$2"; }
genuine() {
	evidence --policy "$home/pin.json" --json >"$here/verify"
	grep -o '"authentic": *true' "$here/verify" ||
		{ cat "$here/verify" && false; }
}
restarted() { systemctl restart "$1" && serves_soon; }
quiet() { no_core && journal_ends_well; }

if [ ! -e "$here/second" ]; then
	touch "$here/second"
	first_boot
	journalctl -q -b -o short-monotonic -u 'cloister*' >/dev/ttyS0
	note 'booting again'
	systemctl reboot
else
	second_boot
	journalctl -q -b -o short-monotonic -u 'cloister*' >/dev/ttyS0
	echo end
	systemctl poweroff
fi
