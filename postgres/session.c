/*
 * Sessions: the engine's memory that a subject has proved its identity on
 * this backend's connection. Nothing reusable stands in SQL or in settings
 * that can be read: the token that lets parallel workers join travels in a
 * setting that only this file can write and nobody can show.
 *
 * That setting also is the session's life: it is set as SET or SET LOCAL would
 * do, so PostgreSQL takes it back at the end of the transaction, on rollback
 * to a savepoint, on RESET ALL and DISCARD ALL, and the session ends with it.
 */
#include "cloister.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "lib/b64.h"
#include "mb/pg_wchar.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define TOKEN_LEN 32
#define TENANT_LEN 16
#define BOOT_LEN 16
#define NONCE_LEN 32
#define KIND_MAX 15				/* of evidence */
#define TOKEN_TEXT 44			/* its base64url with NUL */
#define TOKEN_SETTING "cloister.token"
#define SUBJECT_MAX 4096

typedef struct Session
{
	bool		open;
	uint64		generation;		/* of the connection that it lives on */
	char		token[TOKEN_TEXT];
} Session;

static Session session;
static char *token_text;		/* the setting */
static bool token_writable;

bool
session_present(void)
{
	return session.open && session.generation == conn_generation();
}

/* A worker takes part in its leader's session. */
static void
session_join(void)
{
	uint8		token[TOKEN_LEN];
	size_t		n = sizeof(token);
	struct rd	reply;
	int			r;

	if (b64url_decode(token_text, strlen(token_text), token, &n) != CL_OK ||
		n != TOKEN_LEN)
		conn_error(CL_ERR_NO_SESSION);
	r = conn_call(OP_JOIN, token, TOKEN_LEN, &reply);
	if (r != CL_OK)
		conn_error(r == CL_ERR_SESSION_REFUSED ? CL_ERR_NO_SESSION : r);
	strlcpy(session.token, token_text, sizeof(session.token));
	session.open = true;
	session.generation = conn_generation();
}

void
session_require(void)
{
	if (session_present())
		return;
	if (IsParallelWorker() && token_text && *token_text)
	{
		session_join();
		return;
	}
	/* Which of the two is missing, the agent or the session? */
	conn_open();
	conn_error(CL_ERR_NO_SESSION);
}

bool
session_vacuum_without(void)
{
	return (MyProc->statusFlags & PROC_IN_VACUUM) && !session_present();
}

static void
session_end(void)
{
	if (session_present())
		conn_post(OP_CLOSE, NULL, 0);
	session.open = false;
}

/* ---- the setting ---- */

static bool
token_check(char **newval, void **extra, GucSource source)
{
	if (token_writable || InitializingParallelWorker || *newval == NULL ||
		**newval == '\0')
		return true;
	GUC_check_errdetail("Sessions are opened with cloister_open().");
	return false;
}

static void
token_assign(const char *newval, void *extra)
{
	if (session.open && (!newval || strcmp(newval, session.token) != 0))
		session_end();
}

static const char *
token_show(void)
{
	return "";
}

static void
token_set(bool per_transaction)
{
	token_writable = true;
	PG_TRY();
	{
		(void) set_config_option(TOKEN_SETTING, session.token, PGC_USERSET,
								 PGC_S_SESSION, per_transaction ?
								 GUC_ACTION_LOCAL : GUC_ACTION_SET, true, 0,
								 false);
	}
	PG_CATCH();
	{
		token_writable = false;
		session_end();
		PG_RE_THROW();
	}
	PG_END_TRY();
	token_writable = false;
}

void
session_init(void)
{
	DefineCustomStringVariable(TOKEN_SETTING,
							   "Lets parallel workers join the session.",
							   "Set by cloister_open() only.", &token_text, "",
							   PGC_USERSET,
							   GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE |
							   GUC_DISALLOW_IN_FILE,
							   token_check, token_assign, token_show);
}

/* ---- SQL functions ---- */

static bool
scope_is_transaction(const char *scope)
{
	if (strcmp(scope, "transaction") == 0)
		return true;
	if (strcmp(scope, "session") == 0)
		return false;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid scope \"%s\"", scope),
			 errhint("Scopes are \"transaction\" and \"session\".")));
}

/* Base64 text as a blob: length and bytes. */
static uint8 *
decode_message(text *t, Size *len)
{
	Size		n = VARSIZE_ANY_EXHDR(t);
	uint8	   *blob = palloc(4 + n + 1);
	size_t		got = n;

	if (b64_decode(VARDATA_ANY(t), n, blob + 4, &got) != CL_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid session message"),
				 errdetail("Base64 is expected."),
				 errhint("The command \"cloister session\" prints the whole "
						 "statement.")));
	le32_put(blob, (uint32) got);
	*len = 4 + got;
	return blob;
}

PG_FUNCTION_INFO_V1(cloister_open);
Datum
cloister_open(PG_FUNCTION_ARGS)
{
	bool		per_transaction =
		scope_is_transaction(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	Size		len;
	uint8	   *body = decode_message(PG_GETARG_TEXT_PP(0), &len);
	uint8_t		token[TOKEN_LEN];
	const uint8_t *skip;
	size_t		n;
	struct rd	reply;
	int			r;

	/* A session that is open is replaced when this succeeds, and stays as it
	 * is when not. */
	r = conn_call(OP_OPEN, body, len, &reply);
	if (r != CL_OK)
		conn_error(r);
	conn_check(rd_bytes(&reply, token, TOKEN_LEN));
	conn_check(rd_view(&reply, &skip, TENANT_LEN));
	conn_check(rd_blob(&reply, &skip, &n, SUBJECT_MAX));
	conn_check(rd_end(&reply));
	b64url_encode(token, TOKEN_LEN, session.token);
	session.open = true;
	session.generation = conn_generation();
	token_set(per_transaction);
	if (per_transaction && !IsTransactionBlock())
		ereport(NOTICE,
				(errmsg("the session ends with this statement"),
				 errhint("Open it after BEGIN, or with cloister_open(..., "
						 "'session').")));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(cloister_close);
Datum
cloister_close(PG_FUNCTION_ARGS)
{
	session_end();
	PG_RETURN_VOID();
}

/* The reply's only field. */
static const uint8 *
reply_blob(int status, struct rd *reply, Size *n)
{
	const uint8_t *p;
	size_t		len;

	if (status != CL_OK)
		conn_error(status);
	conn_check(rd_blob(reply, &p, &len, reply->left));
	conn_check(rd_end(reply));
	*n = len;
	return p;
}

static text *
reply_text(int status, struct rd *reply)
{
	Size		n;
	const uint8 *p = reply_blob(status, reply, &n);
	char	   *s = palloc(n + 1);

	memcpy(s, p, n);
	s[n] = '\0';
	/* Refuses what is not UTF-8, NUL too. */
	return cstring_to_text(pg_any_to_server(s, n, PG_UTF8));
}

PG_FUNCTION_INFO_V1(cloister_message);
Datum
cloister_message(PG_FUNCTION_ARGS)
{
	bytea	   *message = PG_GETARG_BYTEA_PP(0);
	Size		n = VARSIZE_ANY_EXHDR(message);
	uint8		head[4];
	const uint8 *out;
	struct rd	reply;
	int			r;

	le32_put(head, (uint32) n);
	r = conn_call2(OP_MESSAGE, head, sizeof(head), VARDATA_ANY(message), n,
				   &reply);
	out = reply_blob(r, &reply, &n);
	return cell_to_datum(out, n);
}

PG_FUNCTION_INFO_V1(cloister_evidence);
Datum
cloister_evidence(PG_FUNCTION_ARGS)
{
	bytea	   *nonce = PG_GETARG_BYTEA_PP(0);
	text	   *tee = PG_NARGS() > 1 ? PG_GETARG_TEXT_PP(1) : NULL;
	bytea	   *credential = PG_NARGS() > 2 ? PG_GETARG_BYTEA_PP(2) : NULL;
	Size		n = tee ? VARSIZE_ANY_EXHDR(tee) : 0;
	uint8		head[NONCE_LEN + 4 + KIND_MAX + 4];
	struct wr	out = wr_make(head, sizeof(head));
	struct rd	reply;
	int			r;

	if (VARSIZE_ANY_EXHDR(nonce) != NONCE_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid nonce"),
				 errdetail("%d bytes are expected, not %d.", NONCE_LEN,
						   (int) VARSIZE_ANY_EXHDR(nonce))));
	if (n > KIND_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind of evidence")));
	n = credential ? VARSIZE_ANY_EXHDR(credential) : 0;
	if ((r = wr_bytes(&out, VARDATA_ANY(nonce), NONCE_LEN)) != 0 ||
		(r = wr_blob(&out, tee ? VARDATA_ANY(tee) : "",
					 tee ? VARSIZE_ANY_EXHDR(tee) : 0)) != 0 ||
		(credential && (r = wr_u32(&out, (uint32) n)) != 0))
		elog(ERROR, "evidence request: %s", err_text(r));
	r = conn_call2(OP_EVIDENCE, head, out.len,
				   credential ? VARDATA_ANY(credential) : NULL, n, &reply);
	PG_RETURN_TEXT_P(reply_text(r, &reply));
}

PG_FUNCTION_INFO_V1(cloister_boot);
Datum
cloister_boot(PG_FUNCTION_ARGS)
{
	return cell_to_datum(conn_boot(), BOOT_LEN);
}

PG_FUNCTION_INFO_V1(cloister_agent_status);
Datum
cloister_agent_status(PG_FUNCTION_ARGS)
{
	struct rd	reply;
	int			r = conn_call(OP_STATUS, NULL, 0, &reply);

	PG_RETURN_TEXT_P(reply_text(r, &reply));
}

PG_FUNCTION_INFO_V1(cloister_session_open);
Datum
cloister_session_open(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(session_present());
}
