/*
 * Loading and settings.
 */
#include "cloister.h"

#include "lib/version.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

#define DEFAULT_SOCKET "/run/cloister/db.sock"

static char *socket_path;
static int	transport = MODULE_TRANSPORT_RING;
static int	timeout_ms = 60000;
static int	batch_rows = 256;
static int	spin_us = 30;

static const struct config_enum_entry transports[] = {
	{"socket", MODULE_TRANSPORT_SOCKET, false},
	{"ring", MODULE_TRANSPORT_RING, false},
	{NULL, 0, false}
};

void		_PG_init(void);

const char *
module_socket(void)
{
	return socket_path && *socket_path ? socket_path : DEFAULT_SOCKET;
}

int
module_transport(void)
{
	return transport;
}

int
module_timeout_ms(void)
{
	return timeout_ms;
}

int
module_batch_rows(void)
{
	return batch_rows;
}

int
module_spin_us(void)
{
	return spin_us;
}

/* Another agent: the session with this one is over. */
static void
socket_assign(const char *newval, void *extra)
{
	if (socket_path && strcmp(newval, socket_path) != 0)
		conn_close();
}

/* Who chooses the agent chooses the answers, so that is not for everyone. */
static void
define_connection_settings(void)
{
	DefineCustomStringVariable("cloister.socket",
							   "Path of the agent's socket for databases.",
							   NULL, &socket_path, DEFAULT_SOCKET, PGC_SUSET,
							   0, NULL, socket_assign, NULL);
	DefineCustomEnumVariable("cloister.transport",
							 "How requests travel to the agent.",
							 "The ring is shared memory; frames that do not "
							 "fit use the socket.",
							 &transport, MODULE_TRANSPORT_RING, transports,
							 PGC_USERSET, 0, NULL, NULL, NULL);
}

static void
define_limit_settings(void)
{
	DefineCustomIntVariable("cloister.timeout",
							"Longest time to wait for one answer of the agent.",
							"0 waits without limit.", &timeout_ms, 60000, 0,
							PG_INT32_MAX, PGC_USERSET, GUC_UNIT_MS, NULL, NULL,
							NULL);
	DefineCustomIntVariable("cloister.batch_rows",
							"Rows of an aggregate that travel together.", NULL,
							&batch_rows, 256, 1, 65536, PGC_USERSET, 0, NULL,
							NULL, NULL);
	DefineCustomIntVariable("cloister.spin",
							"Microseconds to spin for an answer on the ring "
							"before sleeping.",
							"The agent's own advice is a further limit.",
							&spin_us, 30, 0, 1000, PGC_USERSET, 0, NULL, NULL,
							NULL);
}

void
_PG_init(void)
{
	define_connection_settings();
	define_limit_settings();
	session_init();
	MarkGUCPrefixReserved("cloister");
}
