#include <string.h>

#include "agent/audit.h"
#include "agent/op.h"
#include "agent/session.h"
#include "agent/sorts.h"
#include "agent/tenant.h"
#include "lib/secmem.h"

enum sub { BEGIN = 1, APPEND, FINISH, RANKS, END };

struct request {
	uint8_t sub;
	uint8_t type;
	struct sort *sort;
};

/* An eighth of the arena stays free for keys and for other connections. */
static bool
arena_is_short(size_t more)
{
	size_t total = 0, used = 0;

	secmem_usage(&total, &used);
	return total && used + more > total - total / 8;
}

static int
too_much(struct conn *c)
{
	return conn_fail(c, CL_ERR_LIMIT,
	    "[limits] sort_memory_mb = %u, "
	    "arena_mb = %u",
	    c->e->cfg.sort_memory_mb, c->e->cfg.arena_mb);
}

/* Adds a group's key to the sort's own. */
static int
add_key(struct conn *c, struct sort *s, uint32_t tag)
{
	struct tenant *t = session_tenant(c->session);
	char reason[AUTHZ_REASON];
	int r;

	if (s->nkeys == SORTS_MAX_KEYS)
		return conn_fail(c, CL_ERR_LIMIT,
		    "a sort takes cells of at most %u groups", SORTS_MAX_KEYS);
	r = tenant_group_key(t, tag, GROUP_CMP, &s->keys[s->nkeys], reason);
	if (r == CL_ERR_REFUSED)
		audit_event(c->e->audit, "refusal", tenant_uuid(t),
		    session_subject(c->session), reason);
	if (r) {
		c->wanted_tag = tag;
		return conn_fail(c, r, "%s", reason);
	}
	s->tags[s->nkeys++] = tag;
	return CL_OK;
}

struct lookup {
	struct conn *c;
	struct sort *s;
};

/* sort_append()'s question; keys stay with the sort. */
static int
find_key(void *arg, uint32_t tag, struct groupkey **out)
{
	struct lookup *l = arg;
	unsigned i;
	int r;

	for (i = 0; i < l->s->nkeys; i++)
		if (l->s->tags[i] == tag)
			break;
	if (i == l->s->nkeys && (r = add_key(l->c, l->s, tag)) != 0)
		return r;
	*out = l->s->keys[i];
	return CL_OK;
}

static int
begin(struct conn *c, struct request *rq, struct rd *in)
{
	uint64_t epoch = tenant_epoch(session_tenant(c->session));
	size_t limit = (size_t)c->e->cfg.sort_memory_mb << 20;
	struct sort *s = rq->sort;
	uint32_t tag;
	int r;

	if ((r = rd_u32(in, &tag)) != 0 || (r = rd_end(in)) != 0)
		return r;
	if (s->run)
		return conn_fail(c, CL_ERR_EXISTS, "this sort is open");
	if (!cell_type_known(rq->type))
		return conn_fail(c, CL_ERR_FORMAT, "type %u", rq->type);
	s->epoch = epoch;
	if ((r = add_key(c, s, tag)) != 0 ||
	    (r = sort_new(&s->run, rq->type, limit)) != 0)
		sort_end(s);
	return r == CL_ERR_MEMORY ? too_much(c) : r;
}

static int
append(struct conn *c, struct request *rq, struct rd *in)
{
	uint64_t epoch = tenant_epoch(session_tenant(c->session));
	struct lookup l = {c, rq->sort};
	uint32_t n;
	int r;

	if ((r = rd_u32(in, &n)) != 0)
		return r;
	if (arena_is_short(2 * in->left))
		return too_much(c);
	if (rq->sort->epoch != epoch)
		sort_drop_keys(rq->sort);
	rq->sort->epoch = epoch;
	if ((r = sort_append(rq->sort->run, n, in, find_key, &l)) != 0)
		return r == CL_ERR_MEMORY ||
			       (r == CL_ERR_LIMIT && !c->detail[0])
			   ? too_much(c)
			   : r;
	return rd_end(in);
}

static int
finish(struct conn *c, struct request *rq, struct rd *in, struct wr *out)
{
	uint32_t from;
	int r;

	if ((r = rd_u32(in, &from)) != 0 || (r = rd_end(in)) != 0)
		return r;
	r = sort_finish(rq->sort->run, from, NULL);
	if (r == CL_ERR_ARGUMENT)
		return conn_fail(c, r, "FINISH from row %u of %u", from,
		    sort_count(rq->sort->run));
	if (r)
		return r == CL_ERR_MEMORY || r == CL_ERR_LIMIT ? too_much(c)
							       : r;
	return wr_u32(out, sort_count(rq->sort->run));
}

static int
ranks(struct conn *c, struct request *rq, struct rd *in, struct wr *out)
{
	uint32_t offset, count;
	int r;

	if ((r = rd_u32(in, &offset)) != 0 || (r = rd_u32(in, &count)) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	if (count > c->e->cfg.max_frame / 4)
		return conn_fail(
		    c, CL_ERR_TOO_LARGE, "%u ranks in one reply", count);
	r = sort_ranks(rq->sort->run, offset, count, out);
	if (r == CL_ERR_STATE)
		return conn_fail(c, r, "RANKS before FINISH");
	if (r == CL_ERR_ARGUMENT)
		return conn_fail(c, r,
		    "ranks %u + %u are not all of the last FINISH", offset,
		    count);
	return r;
}

static int
end(struct request *rq, struct rd *in)
{
	int r;

	if ((r = rd_end(in)) != 0)
		return r;
	sort_end(rq->sort);
	return CL_OK;
}

static int
parse(struct conn *c, struct request *rq, struct rd *in)
{
	uint16_t zero;
	uint32_t id;
	int r;

	if ((r = rd_u8(in, &rq->sub)) != 0 || (r = rd_u8(in, &rq->type)) != 0 ||
	    (r = rd_u16(in, &zero)) != 0 || (r = rd_u32(in, &id)) != 0)
		return r;
	if (zero || (rq->sub != BEGIN && rq->type))
		return conn_fail(c, CL_ERR_FORMAT, "unused fields must be 0");
	if (rq->sub < BEGIN || rq->sub > END)
		return conn_fail(c, CL_ERR_OPERATION, "sort step %u", rq->sub);
	if (!(rq->sort = sorts_at(c->sorts, id)))
		return conn_fail(c, CL_ERR_LIMIT, "sort %u, at most %u at once",
		    id, c->e->cfg.max_sorts);
	if (!rq->sort->run && rq->sub != BEGIN && rq->sub != END)
		return conn_fail(c, CL_ERR_STATE, "sort %u is not open", id);
	return CL_OK;
}

int
op_sort(struct conn *c, struct rd *in, struct wr *out)
{
	struct request rq;
	int r;

	if ((r = parse(c, &rq, in)) != 0)
		return r;
	switch (rq.sub) {
	case BEGIN:
		return begin(c, &rq, in);
	case APPEND:
		return append(c, &rq, in);
	case FINISH:
		return finish(c, &rq, in, out);
	case RANKS:
		return ranks(c, &rq, in, out);
	default:
		return end(&rq, in);
	}
}
