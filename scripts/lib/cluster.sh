# shellcheck shell=bash
# Throwaway nodes for the tests, the demo and the curious: one node is a
# PostgreSQL cluster, an agent and a software TPM in a directory of their own,
# on UNIX sockets. Sourced by scripts/with-cluster and by tests that need a
# second node or restart a part.
#
#	$CLOISTER_TMP/		made by cluster_begin, removed by cluster_end
#	  pg/			relocated PostgreSQL tree with the extension
#	  bin/			the built programs
#	  owner/		CLOISTER_HOME
#	  NODE/data,sock	the cluster
#	  NODE/agent,run	the agent's state; its socket
#	  NODE/tpm		the software TPM
#	  NODE/cloister.conf, *.log, *.pid
#
# Every daemon is a child of the shell that started it and dies with it
# (parent death signal), also when that shell is killed.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
BUILD=${BUILD:-$ROOT/build/release}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# log_tail FILE: what a daemon said last, when it did not start.
log_tail() {
	printf -- '--- last lines of %s\n' "${1##*/}" >&2
	tail -n 20 "$1" >&2 || true
	printf -- '---\n' >&2
}

# wait_for SECONDS COMMAND...: polls until COMMAND succeeds.
wait_for() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# ---- users ----------------------------------------------------------------

# PostgreSQL refuses root. The agent's broker runs as whoever starts this; its
# engine becomes engine_user when that is root.
pg_user() { if [ "$(id -u)" -eq 0 ]; then echo postgres; else id -un; fi; }
engine_user() { if [ "$(id -u)" -eq 0 ]; then echo nobody; else id -un; fi; }

# as USER COMMAND...
as() {
	local user=$1

	shift
	if [ "$user" = "$(id -un)" ]; then
		"$@"
	else
		setpriv --reuid="$user" --regid="$(id -g "$user")" \
			--clear-groups --reset-env -- env PATH="$PATH" "$@"
	fi
}

# daemon USER SIGNAL PIDFILE LOG COMMAND...: in a session of its own, so that
# Ctrl-C does not reach it; SIGNAL arrives when this shell dies.
daemon() {
	local user=$1 signal=$2 pidfile=$3 log=$4 who=()

	shift 4
	[ "$user" = "$(id -un)" ] || who=(--reuid="$user"
		--regid="$(id -g "$user")" --clear-groups --reset-env)
	setsid setpriv "${who[@]}" --pdeathsig "$signal" -- "$@" \
		</dev/null >>"$log" 2>&1 &
	echo $! >"$pidfile"
	wait_for 10 was_executed $! || true
	disown
}

# Until then a child is still this shell by name, and pid_alive knows it not.
was_executed() { ! cmp -s "/proc/$BASHPID/cmdline" "/proc/$1/cmdline"; }

# pid_alive PIDFILE: is that daemon, and not a stranger with its number, alive?
pid_alive() {
	[ -s "$1" ] && grep -qz -- "$CLOISTER_TMP" \
		"/proc/$(cat "$1")/cmdline" 2>/dev/null
}

pid_gone() { ! pid_alive "$1"; }

# pid_stop PIDFILE SIGNAL SECONDS: asks, waits, then kills.
pid_stop() {
	pid_alive "$1" || return 0
	kill -s "$2" "$(cat "$1")" 2>/dev/null || true
	if ! wait_for "$3" pid_gone "$1"; then
		kill -s KILL "$(cat "$1")" 2>/dev/null || true
		wait_for 5 pid_gone "$1"
	fi
}

# pid_crash PIDFILE: kills a daemon and its children without warning, and
# waits until the last has let go of what it shared.
pid_crash() {
	local family

	pid_alive "$1" || return 0
	kill -s STOP "$(cat "$1")"
	mapfile -t family < <(cat "$1"; pgrep -P "$(cat "$1")")
	kill -s KILL "${family[@]}" 2>/dev/null || true
	wait_for 60 all_dead "${family[@]}"
}

all_dead() {
	local pid state

	for pid in "$@"; do
		state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' \
			"/proc/$pid/status" 2>/dev/null || true)
		[[ $state = [ZX] || -z $state ]] || return 1
	done
}

# ---- the whole ------------------------------------------------------------

cluster_begin() {
	[ -x "$PG_BIN/postgres" ] || die "no PostgreSQL 15 in $PG_BIN: make setup"
	[ -x "$BUILD/cloisterd" ] || die "cloisterd is not built: make"
	[ -x "$BUILD/cloister" ] || die "cloister is not built: make"
	CLOISTER_TMP=$(mktemp -d "${TMPDIR:-/tmp}/cloister.XXXXXX")
	export CLOISTER_TMP
	[ ${#CLOISTER_TMP} -le 60 ] ||
		die "TMPDIR is too long a path for UNIX sockets: $CLOISTER_TMP"
	chmod 711 "$CLOISTER_TMP"
	mkdir -m 755 "$CLOISTER_TMP/bin"
	cp "$BUILD/cloisterd" "$BUILD/cloister" "$CLOISTER_TMP/bin/"
	pg_tree
	export PATH="$CLOISTER_TMP/bin:$PG_BIN:$PATH"
	export CLOISTER_HOME=$CLOISTER_TMP/owner
	arena_mb
}

cluster_end() {
	local node

	[ -n "${CLOISTER_TMP-}" ] || return 0
	for node in "$CLOISTER_TMP"/*/; do
		pid_stop "$node/pg.pid" QUIT 10
		pid_stop "$node/agent.pid" TERM 10
		pid_stop "$node/tpm.pid" TERM 5
	done
	if [ -n "${CLOISTER_KEEP-}" ]; then
		printf 'kept: %s\n' "$CLOISTER_TMP" >&2
	else
		rm -rf "$CLOISTER_TMP"
	fi
}

# A PostgreSQL installation that has the extension, without touching the
# system's: the server finds its share and lib directories relative to its own
# binary, so a copy of the binary and links to everything else will do.
pg_tree() {
	local tree=$CLOISTER_TMP/pg lib share f

	lib=$("$PG_BIN/pg_config" --pkglibdir)
	share=$("$PG_BIN/pg_config" --sharedir)
	make -s --no-print-directory -C "$ROOT/postgres" install \
		PG_CONFIG="$PG_BIN/pg_config" DESTDIR="$tree" \
		>"$CLOISTER_TMP/install.log" 2>&1 || {
		log_tail "$CLOISTER_TMP/install.log"
		die "the extension does not install"
	}
	mkdir -p "$tree$PG_BIN" "$tree$lib" "$tree$share/extension"
	cp "$PG_BIN"/{postgres,initdb,pg_ctl,pg_basebackup} "$tree$PG_BIN/"
	for f in "$lib"/* "$share"/* "$share"/extension/*; do
		[ -e "$tree$f" ] || ln -s "$f" "$tree$f"
	done
	chmod -R a+rX "$tree"
}

# node_use NODE: the environment by which clients reach it.
node_use() {
	local dir=$CLOISTER_TMP/$1

	export CLOISTER_NODE=$1 PGDATA=$dir/data PGHOST=$dir/sock PGPORT=5432
	export PGUSER=postgres PGDATABASE=postgres
	export CLOISTER_SOCKET=$dir/run/agent.sock
	CLOISTER_AGENT_PID=$(cat "$dir/agent.pid" 2>/dev/null || true)
	export CLOISTER_AGENT_PID
}

# node_start NODE: TPM, agent and an empty cluster; not provisioned.
node_start() {
	node_make "$1"
	tpm_start "$1"
	agent_start "$1"
	pg_init "$1"
	pg_start "$1"
	node_use "$1"
}

node_make() {
	local dir=$CLOISTER_TMP/$1

	mkdir -m 711 "$dir"
	mkdir -m 700 "$dir/data" "$dir/tpm" "$dir/agent"
	mkdir -m 755 "$dir/sock" "$dir/run"
	touch "$dir/pg.log" "$dir/agent.log" "$dir/tpm.log"
	if [ "$(id -u)" -eq 0 ]; then
		chown "$(pg_user)" "$dir/data" "$dir/sock"
	fi
	agent_configure "$1"
}

# ---- PostgreSQL -----------------------------------------------------------

pg_init() {
	local dir=$CLOISTER_TMP/$1

	as "$(pg_user)" "$CLOISTER_TMP/pg$PG_BIN/initdb" -D "$dir/data" \
		-U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
		>"$dir/initdb.log" 2>&1 || {
		log_tail "$dir/initdb.log"
		die "initdb failed"
	}
	pg_configure "$1" | as "$(pg_user)" \
		tee -a "$dir/data/postgresql.conf" >/dev/null
}

# What a throwaway needs: no network, no waiting for disks.
pg_configure() {
	local dir=$CLOISTER_TMP/$1

	cat <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$dir/sock'
		fsync = off
		max_connections = 120
		max_wal_senders = 4
		log_line_prefix = '%m [%p] %e '
		session_preload_libraries = 'cloister'
		cloister.socket = '$dir/run/agent.sock'
		cloister.transport = '${CLOISTER_TRANSPORT:-ring}'
	CONF
}

pg_start() {
	local dir=$CLOISTER_TMP/$1

	daemon "$(pg_user)" QUIT "$dir/pg.pid" "$dir/pg.log" \
		"$CLOISTER_TMP/pg$PG_BIN/postgres" -D "$dir/data"
	if ! wait_for "${2:-60}" "$PG_BIN/pg_isready" -q -h "$dir/sock" -p 5432
	then
		log_tail "$dir/pg.log"
		die "PostgreSQL does not start"
	fi
}

# pg_stop NODE [fast|immediate]
pg_stop() {
	local signal=INT

	[ "${2:-fast}" = fast ] || signal=QUIT
	pid_stop "$CLOISTER_TMP/$1/pg.pid" "$signal" 60
}

# A crash: no process of this cluster gets to say goodbye.
pg_crash() { pid_crash "$CLOISTER_TMP/$1/pg.pid"; }

# ---- the owner ------------------------------------------------------------

# A new owner in CLOISTER_HOME, who accepts this run's simulated TEE.
owner_begin() {
	cloister init --sim-root "$CLOISTER_TMP/sim/sim.key.pub" \
		>"$CLOISTER_TMP/owner.log" 2>&1 || {
		log_tail "$CLOISTER_TMP/owner.log"
		die "cloister init failed"
	}
}

# Hands the tenant key to the node in use.
owner_provision() {
	cloister provision --seal >"$CLOISTER_TMP/owner.log" 2>&1 || {
		log_tail "$CLOISTER_TMP/owner.log"
		[ ! -f "$CLOISTER_TMP/$CLOISTER_NODE/agent.log" ] ||
			log_tail "$CLOISTER_TMP/$CLOISTER_NODE/agent.log"
		die "cloister provision failed"
	}
}

# ---- software TPM ---------------------------------------------------------

tpm_start() {
	local dir=$CLOISTER_TMP/$1

	command -v swtpm >/dev/null || die "no swtpm: make setup"
	daemon "$(id -un)" KILL "$dir/tpm.pid" "$dir/tpm.log" \
		swtpm socket --tpm2 --tpmstate "dir=$dir/tpm" \
		--server "type=unixio,path=$dir/tpm/server" \
		--ctrl "type=unixio,path=$dir/tpm/server.ctrl" \
		--flags not-need-init,startup-clear
	if ! wait_for 60 test -S "$dir/tpm/server"; then
		log_tail "$dir/tpm.log"
		die "swtpm does not start"
	fi
}

tpm_stop() { pid_stop "$CLOISTER_TMP/$1/tpm.pid" TERM 5; }

tpm_tcti() { printf 'swtpm:path=%s/tpm/server' "$CLOISTER_TMP/$1"; }

# ---- the agent ------------------------------------------------------------

agent_configure() {
	local dir=$CLOISTER_TMP/$1

	agent_config "$1" >"$dir/cloister.conf"
	[ -f "$CLOISTER_TMP/sim/sim.key" ] || make_sim_key
}

agent_config() {
	local dir=$CLOISTER_TMP/$1

	cat <<-CONF
		[agent]
		socket = $dir/run/agent.sock
		state_dir = $dir/agent
		tee = sim
		user = $(engine_user)

		[access]
		allow_uids = $(pg_user), $(id -u)

		[sealing]
		provider = tpm
		tcti = $(tpm_tcti "$1")
		pcrs = 0,7

		[sim]
		key = $CLOISTER_TMP/sim/sim.key

		[limits]
		arena_mb = $CLOISTER_ARENA_MB
		workers = $((CLOISTER_ARENA_MB < 64 ? CLOISTER_ARENA_MB * 2 : 64))

		[memory]
		allow_mlock = $(has_memfd_secret && echo no || echo yes)
	CONF
}

# One simulated TEE vendor for all nodes of a run.
make_sim_key() {
	mkdir -m 755 "$CLOISTER_TMP/sim"
	"$CLOISTER_TMP/bin/cloisterd" \
		--make-sim-key "$CLOISTER_TMP/sim/sim.key" >/dev/null
}

# Debian 12's own kernel has memfd_secret switched off.
has_memfd_secret() { perl -e 'exit(syscall(447, 0) < 0)'; }

# Secret memory counts as locked memory. Root locks what it wants; an ordinary
# user has 8 MiB, enough for a dozen connections, or more by sudo.
arena_mb() {
	local limit capabilities

	capabilities=0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
	if ((capabilities >> 14 & 1)); then # CAP_IPC_LOCK
		limit=unlimited
	else
		more_lockable
		limit=$(ulimit -l)
	fi
	if [ "$limit" = unlimited ] || [ "$limit" -ge $((80 * 1024)) ]; then
		CLOISTER_ARENA_MB=64
	else
		CLOISTER_ARENA_MB=$((limit * 3 / 4 / 1024))
	fi
	export CLOISTER_ARENA_MB
}

# Raises this shell's limit as far as it goes.
more_lockable() {
	ulimit -l "$(ulimit -Hl)"
	[ "$(ulimit -l)" = unlimited ] || [ "$(ulimit -l)" -ge $((80 * 1024)) ] ||
		sudo -n prlimit --pid "$BASHPID" --memlock=unlimited 2>/dev/null ||
		true
}

agent_listens() {
	perl -MIO::Socket::UNIX -e 'exit !IO::Socket::UNIX->new(Peer => shift)' \
		"$CLOISTER_TMP/$1/run/agent.sock"
}

# agent_start NODE: returns when it accepts connections.
agent_start() {
	local dir=$CLOISTER_TMP/$1

	agent_spawn "$1"
	if ! wait_for 60 agent_up_or_dead "$1" || ! pid_alive "$dir/agent.pid"; then
		log_tail "$dir/agent.log"
		die "cloisterd does not start"
	fi
	CLOISTER_AGENT_PID=$(cat "$dir/agent.pid")
	export CLOISTER_AGENT_PID
}

agent_spawn() {
	local dir=$CLOISTER_TMP/$1

	daemon "$(id -un)" TERM "$dir/agent.pid" "$dir/agent.log" \
		"$CLOISTER_TMP/bin/cloisterd" --foreground \
		--config "$dir/cloister.conf"
}

agent_up_or_dead() {
	agent_listens "$1" || pid_gone "$CLOISTER_TMP/$1/agent.pid"
}

agent_stop() { pid_stop "$CLOISTER_TMP/$1/agent.pid" TERM 10; }

# Broker and engine, without warning.
agent_crash() { pid_crash "$CLOISTER_TMP/$1/agent.pid"; }

# The process that holds the keys: the broker's only lasting child.
engine_pid() { pgrep -P "$(cat "$CLOISTER_TMP/$1/agent.pid")" | tail -n 1; }
