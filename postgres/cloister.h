/*
 * What the extension's files share. One concern a file:
 *
 *	module.c	_PG_init, GUCs
 *	conn.c		the connection to the agent: socket, ring, waits, drain
 *	session.c	cloister_open/close/message, transaction end, workers
 *	catalog.c	cloister.groups: tag <-> name, the row pushed to the agent
 *	celltype.c	input, output, receive, send, typmod, coercion
 *	eval.c		one-row programs: builds, caches, runs
 *	ops.c		comparison, hash, arithmetic, LIKE, text, extract, casts
 *	agg.c		aggregates, in batches
 *	sortsupport.c	deferred ranks over SORT
 *	stats.c		typanalyze and selectivity
 */
#ifndef CLOISTER_POSTGRES_H
#define CLOISTER_POSTGRES_H

#include "postgres.h"

#include "fmgr.h"

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/frame.h"
#include "tde/cell_layout.h"

/* ---- module.c ---- */
extern char *cloister_socket;		/* GUC cloister.socket */
extern int	cloister_transport;		/* GUC cloister.transport: ring, socket */
extern int	cloister_timeout_ms;	/* GUC cloister.timeout: deadline of one wait */
extern int	cloister_batch_rows;	/* GUC cloister.batch_rows */

enum cloister_transports
{
	CLOISTER_TRANSPORT_SOCKET,
	CLOISTER_TRANSPORT_RING
};

/* ---- conn.c ---- */

/*
 * One request and its reply. Connects, says HELLO and sets up the ring when
 * needed. body is sent as it is; *reply points into the connection's receive
 * buffer, valid until the next call. Transport failures, cancel and deadline
 * are raised as errors (08006, 57014); a failure status of the agent is
 * returned, with the detail in conn_detail() and, for CL_ERR_NEED_GROUP, the
 * tag in conn_wanted_tag(). Interruptible also while interrupts are held.
 */
extern int	conn_call(uint8 op, const void *body, Size len, struct rd *reply);
/* As conn_call, but a failure status raises conn_error(); NEED_GROUP is served
 * by pushing the group and calling again. */
extern void conn_must(uint8 op, const void *body, Size len, struct rd *reply);
/* Raises status as an SQL error with SQLSTATE, text, detail and hint. */
extern void conn_error(int status) pg_attribute_noreturn();
extern const char *conn_detail(void);
extern uint32 conn_wanted_tag(void);
/* Boot id of the engine behind the connection, 16 bytes; changes tell that
 * prepared programs and sessions are gone. Connects when necessary. */
extern const uint8 *conn_boot(void);
/* Rises with every new connection: keys per-connection caches. */
extern uint64 conn_generation(void);
extern uint32 conn_max_body(void);
/* Concurrent sorts that the engine allows; our sort ids are below it. */
extern uint32 conn_max_sort(void);
extern void conn_close(void);
/* Best effort, never throws, does not wait: for transaction end. */
extern void conn_post(uint8 op, const void *body, Size len);

/* ---- session.c ---- */
extern void session_init(void);
/* Makes sure that this process takes part in an open session (a parallel
 * worker joins); else raises 28000 with a hint. */
extern void session_require(void);
/* The same without raising. */
extern bool session_present(void);
/* True when running inside VACUUM without a session: B-tree comparisons then
 * answer 0 without asking (page deletion uses them as a hint only). */
extern bool session_vacuum_without(void);

/* ---- catalog.c ---- */
/* 0 when there is none and missing_ok. */
extern uint32 catalog_tag_by_name(const char *name, bool missing_ok);
/* NULL when unknown; palloc'd. */
extern char *catalog_name_by_tag(uint32 tag);
/* Pushes the group's row with OP_GROUP; raises when there is no such row. */
extern void catalog_push_group(uint32 tag);

/* ---- eval.c: programs ---- */

#define PROGRAM_MAX 1024

/* Builder for a program's bytes; overflow raises. */
typedef struct Program
{
	uint8		bytes[PROGRAM_MAX];
	int			len;
} Program;

typedef struct ProgramInput
{
	uint8		type;
	uint8		group;
} ProgramInput;

extern void program_begin(Program *p, int ngroups, const uint32 *tags,
						  int ncols, const ProgramInput *cols,
						  int nscalars, const ProgramInput *scalars);
extern void program_op(Program *p, uint8 op, uint8 type, uint8 a, uint8 b,
					   int64 imm);

/*
 * Prepares (once per connection and program; kept in a hash table) and runs:
 * request holds what follows the program id in an EVAL body (u32 n, scalars,
 * columns). Takes care of UNKNOWN_PROGRAM and NEED_GROUP. The reply's header
 * is checked for the wanted kind and n.
 */
extern void program_run(const Program *p, const void *request, Size len,
						uint8 kind, uint32 n, struct rd *reply);

/* A cell as an SQL datum: varlena, detoasted, shape-checked. */
typedef struct CellRef
{
	const uint8 *p;
	Size		n;
	uint8		type;
	uint32		tag;
} CellRef;

extern CellRef cell_from_datum(Datum d);
extern Datum cell_to_datum(const uint8 *p, Size n);

#endif
