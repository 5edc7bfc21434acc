/*
 * What the extension's files share. One concern a file:
 *
 *	module.c	_PG_init, GUCs
 *	conn.c		the connection to the agent: calls, replies, drain
 *	conn_open.c	connect, HELLO, hang-up
 *	conn_ring.c	the shared memory transport
 *	conn_wait.c	sleeping: latch, socket, cancel, deadline
 *	conn_error.c	a failure of the agent as an SQL error
 *	session.c	cloister_open/close/message, transaction end, workers
 *	catalog.c	cloister.groups: tag <-> name, the row pushed to the agent
 *	celltype.c	input, output, receive, send, typmod
 *	eval.c		programs: build, prepare, cache, run
 *	ops_compare.c	= <> < <= > >=, btree and hash support
 *	ops_compute.c	arithmetic, casts, coercion, extract
 *	ops_text.c	LIKE, concatenation, substring, length, lower, upper
 *	agg.c		aggregates, in batches
 *	sortsupport.c	deferred ranks over SORT
 *	sortrun.c	one run of SORT
 *	sortmerge.c	ranks by cell, for batches that come back from disk
 *	stats.c		typanalyze and selectivity
 */
#ifndef CLOISTER_POSTGRES_H
#define CLOISTER_POSTGRES_H

#include "postgres.h"

#include "fmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/frame.h"
#include "tde/cell_layout.h"
#include "tde/eval_ops.h"

/* ---- module.c: settings ---- */

enum module_transports
{
	MODULE_TRANSPORT_SOCKET,
	MODULE_TRANSPORT_RING
};

extern const char *module_socket(void); /* cloister.socket */
extern int	module_transport(void);		/* cloister.transport */
extern int	module_timeout_ms(void);	/* cloister.timeout; 0: none */
extern int	module_batch_rows(void);	/* cloister.batch_rows */
extern int	module_spin_us(void);		/* cloister.spin */

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
/* The same with the body in two pieces, so that callers need not copy. */
extern int	conn_call2(uint8 op, const void *head, Size head_len,
					   const void *body, Size len, struct rd *reply);
/* As conn_call, but a failure status raises conn_error(); NEED_GROUP is served
 * by pushing the group and calling again. */
extern void conn_must(uint8 op, const void *body, Size len, struct rd *reply);
/* What the agent said with the last call's status; else empty. */
extern const char *conn_detail(int status);
extern uint32 conn_wanted_tag(void);
/* Sends without waiting for the reply, when there is a connection: for
 * transaction end. The next call reads the reply first. */
extern void conn_post(uint8 op, const void *body, Size len);

/* ---- conn_open.c ---- */

/* Connects unless connected; raises 08006. */
extern void conn_open(void);
extern void conn_close(void);
/* Rises with every new connection: keys per-connection caches. 0 while there
 * is no connection. */
extern uint64 conn_generation(void);
/* Boot id of the engine behind the connection, 16 bytes; changes tell that
 * prepared programs and sessions are gone. Connects when necessary. */
extern const uint8 *conn_boot(void);
extern uint32 conn_max_body(void);
extern uint32 conn_max_rows(void);
/* Concurrent sorts that the engine allows; our sort ids are below it. */
extern uint32 conn_max_sort(void);

/* ---- conn_error.c ---- */

/* Raises status as an SQL error with SQLSTATE, text, detail and hint. */
_Noreturn extern void conn_error(int status);
/* Raises a malformed reply (08P01) and hangs up. */
_Noreturn extern void conn_bad_reply(void);
/* For chains of rd_ calls: raises conn_bad_reply unless r is CL_OK. */
extern void conn_check(int r);

/* ---- session.c ---- */

extern void session_init(void);
/* Makes sure that this process takes part in an open session (a parallel
 * worker joins); else raises 28000 with a hint. */
extern void session_require(void);
/* Is there one already? A worker that has not needed it yet has none. */
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

/* ---- celltype.c ---- */

/* A cell as an SQL datum: varlena, detoasted, shape-checked. */
typedef struct CellRef
{
	const uint8 *p;
	Size		n;
	uint8		type;
	uint32		tag;
	void	   *copy;			/* when it had to be detoasted, else NULL */
} CellRef;

extern CellRef cell_from_datum(Datum d);
extern Datum cell_to_datum(const uint8 *p, Size n);
/* Frees what detoasting allocated: comparators run in long-lived memory. */
extern void cell_release(CellRef *c);

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
 * columns). Requires a session, serves UNKNOWN_PROGRAM and NEED_GROUP. The
 * reply's header is checked for the wanted kind (enum eval_result) and n;
 * *reply then holds what follows it.
 */
extern void program_run(const Program *p, const void *request, Size len,
						uint8 kind, uint32 n, struct rd *reply);

/* One instruction with its fields; b is always 0 here. */
typedef struct ProgramStep
{
	uint8		op;
	uint8		type;
	uint8		a;
	int64		imm;
} ProgramStep;

/*
 * One row: operand(s), one step, result. cells: 1 or 2 operands, which are
 * released. The cell form re-encrypts into group out_tag (0: that of the first
 * operand); it is NULL where PostgreSQL's is (a field of infinity). A step with
 * op 0 is left out (plain re-encryption).
 */
extern bool eval_bool(CellRef *cells, int n, const ProgramStep *step);
extern int64 eval_i64(CellRef *cells, int n, const ProgramStep *step);
extern Datum eval_cell(CellRef *cells, int n, const ProgramStep *step,
					   uint32 out_tag, bool *null);

#endif
