/* The event log's part of an appraisal. */
#include <stdio.h>
#include <string.h>

#include "lib/secmem.h"
#include "policy/appraise_tee.h"
#include "policy/eventlog_aael.h"

static int
refuse(struct appraise_case *c, const char *expected, const char *came)
{
	(void)rows_say(c->result, "eventlog", false, expected, came);
	return CL_ERR_EVIDENCE;
}

int
appraise_log_verify(struct appraise_case *c, const struct appraise_tee *tee)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_TDX};
	const char *why;

	if (!c->log || c->joined)
		return CL_OK;
	if (!tee->registers)
		return refuse(c, "none: this TEE has no registers for it",
		    "an event log");
	if (c->log_n > EVIDENCE_LOG_MAX)
		return refuse(c, "at most 1 MiB", "a longer event log");
	if ((why = tee->registers(c, &quoted)) != NULL) {
		(void)rows_sayf(c->result, "eventlog", true, "anything",
		    "not used: %s", why);
		return CL_OK;
	}
	if (c->policy->allow_unknown_software)
		quoted.excused = UINT32_MAX;
	c->joined = true;
	return eventlog_join(
	    c->log, c->log_n, &quoted, c->result, &c->explained);
}

/* ---- the agent's own records ----------------------------------------------
 */

/* Starts of the agent that registers vouch for. */
struct starts {
	const struct appraise_case *c;
	unsigned n;
	struct eventlog_start last;
	uint32_t registers; /* that hold them */
	uint32_t opaque;    /* that hold records which say nothing true */
	bool malformed, stranger;
	char why[65]; /* of the stranger: the digest that is not listed */
};

static bool
is_listed(const struct appraise_list *list, const char *value)
{
	unsigned i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->value[i], value) == 0)
			return true;
	return !list->given;
}

static void
add_start(struct starts *s, const struct eventlog_start *start)
{
	const struct appraise_policy *p = s->c->policy;
	bool binary = is_listed(&p->binary, start->binary);

	s->n++;
	s->last = *start;
	if (s->stranger || (binary && is_listed(&p->config, start->config)))
		return;
	s->stranger = true;
	memcpy(s->why, binary ? start->config : start->binary, sizeof(s->why));
}

static void
look(struct starts *s, const struct eventlog_event *e, unsigned reg)
{
	const struct eventlog_digest *digest =
	    eventlog_digest(e, eventlog_alg_of(s->c->want->kind));
	struct eventlog_start start;
	int r;

	if (!digest || !eventlog_digest_is_of_data(e, digest)) {
		s->opaque |= 1u << reg;
		return;
	}
	if ((r = eventlog_start(e, &start)) == CL_ERR_NOT_FOUND)
		return;
	s->registers |= 1u << reg;
	if (r != 0)
		s->malformed = true;
	else
		add_start(s, &start);
}

static void
look_all(struct starts *s)
{
	struct eventlog_event e;
	struct eventlog log;
	unsigned reg;

	if (!s->c->joined || eventlog_open(&log, s->c->log, s->c->log_n) != 0)
		return;
	while (eventlog_next(&log, &e) == 0)
		if (eventlog_extends(s->c->want->kind, &e, &reg) &&
		    eventlog_keeps(s->c->want->kind, reg) &&
		    (s->c->explained >> reg & 1))
			look(s, &e, reg);
}

/* Every start was one that the owner knows, and none can be hidden among
 * records that do not say what they measured. */
static void
say_starts(const struct starts *s)
{
	static const char expected[] = "starts of a binary and configuration "
				       "that the policy allows";
	struct appraise_result *rows = s->c->result;

	if (s->malformed)
		(void)rows_say(rows, "eventlog.starts", false, expected,
		    "a start that is malformed");
	else if (s->registers & s->opaque)
		(void)rows_say(rows, "eventlog.starts", false, expected,
		    "a record beside them whose digest is not of its text");
	else if (s->stranger)
		(void)rows_sayf(rows, "eventlog.starts", false, expected,
		    "a start with %s", s->why);
	else
		(void)rows_sayf(rows, "eventlog.starts", true, expected,
		    "%u of them", s->n);
}

/* "binary 0123456789abcdef, configuration 0123456789abcdef" */
static void
start_text(const char *binary, const char *config, char out[96])
{
	(void)snprintf(
	    out, 96, "binary %.16s..., configuration %.16s...", binary, config);
}

static void
say_last(const struct starts *s, const struct evidence_claims *claims)
{
	char expected[96], came[96];
	bool ok;

	start_text(claims->binary, claims->config, expected);
	start_text(s->last.binary, s->last.config, came);
	ok = strcmp(claims->binary, s->last.binary) == 0 &&
	     strcmp(claims->config, s->last.config) == 0;
	(void)rows_say(s->c->result, "eventlog.agent", ok, expected,
	    s->n ? came : "no start of the agent");
}

static void
judge_agent(struct appraise_case *c, const struct evidence_claims *claims)
{
	struct starts s = {.c = c};

	if (!c->want->agent)
		return;
	look_all(&s);
	if (!s.n && !s.malformed && !c->want->agent_given)
		return;
	if (claims)
		say_last(&s, claims);
	else if (!s.n)
		(void)rows_say(c->result, "eventlog.agent", false,
		    "a start of the agent", "none");
	if (s.n || s.malformed)
		say_starts(&s);
}

void
appraise_log_judge(
    struct appraise_case *c, const struct evidence_claims *claims)
{
	if (!c->want)
		return;
	/* A TPM's own rows say it. */
	if (!c->joined && eventlog_want_needs(c->want) &&
	    c->want->kind != EVENTLOG_TPM)
		(void)rows_say(c->result, "eventlog", false,
		    "an event log that the registers vouch for",
		    c->log ? "none that can be used" : "none");
	eventlog_want_judge(c->want, c->joined ? c->log : NULL, c->log_n,
	    c->explained, c->result);
	judge_agent(c, claims);
}

void
appraise_log_print(struct appraise_case *c)
{
	json_t *log = NULL;

	if (c->joined && c->fields && c->log_n <= EVIDENCE_LOG_MAX &&
	    eventlog_print(c->log, c->log_n, c->want->kind, &log) == 0)
		(void)json_object_set_new(c->fields, "eventlog", log);
}
