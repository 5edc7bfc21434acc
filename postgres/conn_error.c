/*
 * What the agent's failures look like in SQL.
 */
#include "conn_internal.h"

static const struct
{
	int			status;
	const char *hint;
}			hints[] = {
	{CL_ERR_NO_SESSION, "Open one with SELECT cloister_open(...); the command "
	"\"cloister session\" prints it."},
	{CL_ERR_NO_TENANT, "The owner has to provision the agent first: "
	"\"cloister provision\"."},
	{CL_ERR_REFUSED, "The owner decides with the group's list of operations: "
	"\"cloister group alter --ops\"."},
	{CL_ERR_FLOW_REFUSED, "The owner decides with \"cloister group alter "
	"--flows-to\"."},
	{CL_ERR_EXPIRED, "Messages live less than a minute: make a new one with "
	"\"cloister session\"."},
	{CL_ERR_REPLAYED, "Each message works once: make a new one with "
	"\"cloister session\"."},
	{CL_ERR_BAD_CELL, "The value was damaged or changed. Other rows are not "
	"affected."},
	{CL_ERR_BUSY, "Come again, raise the agent's limit on connections, or use "
	"fewer parallel workers."},
	{CL_ERR_TOO_LARGE, "The limit is max_frame in the agent's configuration."},
	{CL_ERR_PEER, "The agent serves the users in allow_uids only."},
	{CL_ERR_ROLLBACK, "A newer version was seen before; restore the newer "
	"definition."},
};

static const char *
hint_for(int status)
{
	for (Size i = 0; i < lengthof(hints); i++)
		if (hints[i].status == status)
			return hints[i].hint;
	return NULL;
}

_Noreturn void
conn_error(int status)
{
	const char *s = err_sqlstate(status);
	const char *hint = hint_for(status);
	const char *detail = conn_detail(status);

	ereport(ERROR,
			(errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])),
			 errmsg("%s", err_text(status)),
			 *detail ? errdetail("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}

_Noreturn void
conn_bad_reply(void)
{
	conn_close();
	ereport(ERROR,
			(errcode(ERRCODE_PROTOCOL_VIOLATION),
			 errmsg("malformed reply from the Cloister agent"),
			 errdetail("The connection was closed."),
			 errhint("Are extension and agent of the same version?")));
	pg_unreachable();
}

void
conn_check(int r)
{
	if (r != CL_OK)
		conn_bad_reply();
}
