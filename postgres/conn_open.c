/*
 * Connecting to the agent, HELLO, hanging up.
 */
#include "conn_internal.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#define HELLO_VERSION 1
#define CONNECT_RETRY_MS 10

static Conn conn = {.sock = PGINVALID_SOCKET};

Conn *
conn_get(void)
{
	return &conn;
}

uint64
conn_generation(void)
{
	return conn.ready ? conn.generation : 0;
}

const uint8 *
conn_boot(void)
{
	Conn	   *c = &conn;

	if (c->ready && !socket_fill(c))
		conn_close();
	conn_open();
	return c->boot;
}

uint32
conn_max_body(void)
{
	conn_open();
	return conn.max_body;
}

uint32
conn_max_rows(void)
{
	conn_open();
	return conn.max_rows;
}

uint32
conn_max_sort(void)
{
	conn_open();
	return conn.max_sort;
}

void
conn_close(void)
{
	Conn	   *c = &conn;
	uint64		generation = c->generation;

	if (c->sock == PGINVALID_SOCKET)
		return;
	if (c->events)
		FreeWaitEventSet(c->events);
	ring_drop(c);
	close(c->sock);
	ReleaseExternalFD();
	buffer_free(&c->in);
	buffer_free(&c->out);
	memset(c, 0, sizeof(*c));
	c->sock = PGINVALID_SOCKET;
	c->generation = generation;
}

_Noreturn static void
cannot_connect(const char *path, int error)
{
	conn_close();
	errno = error;
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("could not connect to the Cloister agent at \"%s\": %m",
					path),
			 errhint("Is cloisterd running, does it allow this user, and is "
					 "the setting cloister.socket right?")));
	pg_unreachable();
}

_Noreturn void
conn_lost(Conn *c, bool in_session)
{
	bool		ready = c->ready;

	conn_close();
	if (ready)
		conn_open();
	if (ready && in_session)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("no session is open"),
				 errdetail("The agent was restarted or closed the connection, "
						   "and the session ended with it."),
				 errhint("Open a new one with SELECT cloister_open(...).")));
	ereport(ERROR,
			(errcode(ERRCODE_CONNECTION_FAILURE),
			 errmsg("the Cloister agent closed the connection"),
			 errhint("The reason is in the agent's log.")));
	pg_unreachable();
}

/* A full backlog answers EAGAIN and gives nothing to wait on. */
static void
connect_socket(Conn *c, const char *path)
{
	TimestampTz deadline = 0;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(addr.sun_path))
		cannot_connect(path, ENAMETOOLONG);
	strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
	while (connect(c->sock, (struct sockaddr *) &addr, sizeof(addr)) < 0)
	{
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			cannot_connect(path, errno);
		conn_pause(CONNECT_RETRY_MS, &deadline);
	}
}

static void
watch_socket(Conn *c)
{
#if PG_VERSION_NUM >= 170000
	c->events = CreateWaitEventSet(NULL, 3);
#else
	c->events = CreateWaitEventSet(TopMemoryContext, 3);
#endif
	/* conn_sleep relies on the socket's position, 0. */
	AddWaitEventToSet(c->events, WL_SOCKET_READABLE, c->sock, NULL, NULL);
	AddWaitEventToSet(c->events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch,
					  NULL);
	if (IsUnderPostmaster)
		AddWaitEventToSet(c->events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET,
						  NULL, NULL);
}

static void
say_hello(Conn *c)
{
	uint8		body[4];
	ConnPart	parts[CONN_PARTS] = {{body, sizeof(body)}, {NULL, 0}};
	struct rd	in;
	const uint8_t *build;
	uint16_t	version;
	size_t		n;
	int			r;

	le16_put(body, HELLO_VERSION);
	le16_put(body + 2, 0);
	c->max_body = FRAME_MAX_BODY;
	r = conn_exchange(c, OP_HELLO, parts, -1, &in);
	if (r != CL_OK)
	{
		conn_close();
		conn_error(r);
	}
	conn_check(rd_u16(&in, &version));
	conn_check(rd_bytes(&in, c->boot, sizeof(c->boot)));
	conn_check(rd_u32(&in, &c->max_body));
	conn_check(rd_u32(&in, &c->max_rows));
	conn_check(rd_u32(&in, &c->max_sort));
	conn_check(rd_blob(&in, &build, &n, 256));
	conn_check(rd_end(&in));
	if (version != HELLO_VERSION || c->max_rows == 0)
		conn_bad_reply();
	c->max_body = Min(c->max_body, FRAME_MAX_BODY);
}

void
conn_open(void)
{
	Conn	   *c = &conn;
	const char *path = module_socket();

	if (c->ready)
		return;
	conn_close();
	c->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->sock == PGINVALID_SOCKET)
		cannot_connect(path, errno);
	ReserveExternalFD();
	c->generation++;
	connect_socket(c, path);
	watch_socket(c);
	say_hello(c);
	c->ready = true;
}
