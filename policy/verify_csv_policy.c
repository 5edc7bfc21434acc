/* What an owner wants of a CSV guest. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/member.h"
#include "policy/verify_csv.h"

static int
get_lists(const json_t *o, struct csv_policy *p)
{
	const struct {
		const char *key;
		size_t bytes;
		struct rows_list *list;
	} lists[] = {{"measure", 32, &p->measure}, {"vm_id", 16, &p->vm_id},
	    {"vm_version", 16, &p->vm_version},
	    {"user_pubkey_digest", 32, &p->user_pubkey_digest},
	    {"serial", 0, &p->serial}, {"cek", 32, &p->cek},
	    {"host_data", 64, &p->host_data}, {"rtmr0", 32, &p->rtmr[0]},
	    {"rtmr1", 32, &p->rtmr[1]}, {"rtmr2", 32, &p->rtmr[2]},
	    {"rtmr3", 32, &p->rtmr[3]}, {"rtmr4", 32, &p->rtmr[4]}};
	size_t i;
	int r = CL_OK;

	for (i = 0; r == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
		r = member_list(
		    o, lists[i].key, lists[i].bytes, CSV_SERIAL, lists[i].list);
	return r;
}

int
csv_policy_parse(const json_t *o, struct csv_policy *p)
{
	static const char *const known[] = {"measure", "vm_id", "vm_version",
	    "user_pubkey_digest", "serial", "cek", "host_data", "rtmr0",
	    "rtmr1", "rtmr2", "rtmr3", "rtmr4", "min_api", "min_build",
	    "min_version", "min_generation", "required_policy", "allow_debug",
	    "require_no_sealing_key", "eventlog", NULL};
	uint64_t mask = 0;
	int r;

	memset(p, 0, sizeof(*p));
	r = eventlog_want_parse(o, EVENTLOG_CSV, &p->eventlog);
	if (!o)
		return r;
	if (!json_is_object(o))
		return json_blame("csv");
	if (r || (r = json_only(o, known)) || (r = get_lists(o, p)) ||
	    (r = member_version(o, "min_api", &p->min_api)) ||
	    (r = member_number(o, "min_build", 0, UINT32_MAX, &p->min_build)) ||
	    (r = member_number(o, "min_version", 1, 3, &p->min_version)) ||
	    (r = member_number(
		 o, "min_generation", 1, 3, &p->min_generation)) ||
	    (r = member_mask(o, "required_policy", 8, &mask)) ||
	    (r = member_flag(o, "allow_debug", &p->allow_debug)))
		return r;
	p->has_min_api = json_object_get(o, "min_api") != NULL;
	p->required_policy = (uint32_t)mask;
	return member_flag(
	    o, "require_no_sealing_key", &p->require_no_sealing_key);
}

/* Of one report while it is appraised. */
struct check {
	const struct csv_evidence *e;
	const struct csv_report *r;
	const struct csv_policy *policy;
	struct appraise_result *rows;
};

static void
check_bits(const struct check *c, const char *claim, uint32_t want)
{
	char expected[48];

	(void)snprintf(
	    expected, sizeof(expected), "all bits of 0x%" PRIx32, want);
	(void)rows_sayf(c->rows, claim, (c->r->policy & want) == want, expected,
	    "0x%" PRIx32, c->r->policy);
}

static void
check_policy_bits(const struct check *c)
{
	bool debug = !(c->r->policy & CSV_POLICY_NODBG);

	(void)rows_say(c->rows, "policy.debug",
	    !debug || c->policy->allow_debug,
	    c->policy->allow_debug ? "anything" : "forbidden",
	    debug ? "allowed" : "forbidden");
	if (c->policy->min_generation == 2)
		check_bits(c, "policy.csv2", CSV_POLICY_ES);
	if (c->policy->min_generation == 3)
		check_bits(c, "policy.csv3", CSV_POLICY_ES | CSV_POLICY_CSV3);
	if (c->policy->required_policy)
		check_bits(c, "policy.bits", c->policy->required_policy);
}

static bool
check_api(const struct check *c)
{
	const struct csv_cert *pek = &c->e->pek;
	uint32_t came = (uint32_t)pek->api_major << 8 | pek->api_minor;
	char expected[32];

	(void)snprintf(expected, sizeof(expected), "at least %u.%u",
	    (unsigned)(c->policy->min_api >> 8),
	    (unsigned)(c->policy->min_api & 0xff));
	return rows_sayf(c->rows, "pek.api", came >= c->policy->min_api,
	    expected, "%u.%u", pek->api_major, pek->api_minor);
}

static bool
check_build(const struct check *c)
{
	if (!c->r->has_rtmr)
		return rows_say(c->rows, "build", false,
		    "a report that tells the firmware's build",
		    "a report of version 1");
	return rows_least(c->rows, "build", c->policy->min_build, c->r->build);
}

/* All that there is to tell old firmware from new is the owner's minimum. */
static void
check_tcb(const struct check *c)
{
	const char *verdict = "unpublished";

	if (c->policy->has_min_api)
		verdict = check_api(c) ? "ok" : "out of date";
	if (c->policy->min_build && !check_build(c))
		verdict = "out of date";
	else if (c->policy->min_build && !c->policy->has_min_api)
		verdict = "ok";
	(void)snprintf(c->rows->tcb, sizeof(c->rows->tcb), "%s", verdict);
}

/* A field that only newer reports have. */
static void
check_newer(const struct check *c, const char *claim,
    const struct rows_list *list, bool there, const uint8_t *p, size_t n)
{
	if (there)
		(void)rows_listed_hex(c->rows, claim, list, p, n);
	else if (list->given)
		(void)rows_sayf(c->rows, claim, false, "a report that has it",
		    "a report of version %u", c->e->version);
}

static void
check_chip(const struct check *c)
{
	uint8_t cek[32];

	if (csv_cert_digest(&c->e->chain.cek, cek) != 0)
		(void)rows_say(c->rows, "cek", false, "a digest",
		    "the cryptographic library failed");
	else
		(void)rows_listed_hex(
		    c->rows, "cek", &c->policy->cek, cek, sizeof(cek));
	(void)rows_listed(c->rows, "serial", &c->policy->serial, c->e->serial);
}

static void
check_values(const struct check *c)
{
	const struct csv_policy *p = c->policy;
	const struct csv_report *r = c->r;
	char claim[8];
	unsigned i;

	(void)rows_listed_hex(c->rows, "measure", &p->measure, r->measure, 32);
	(void)rows_listed_hex(c->rows, "vm_id", &p->vm_id, r->vm_id, 16);
	(void)rows_listed_hex(
	    c->rows, "vm_version", &p->vm_version, r->vm_version, 16);
	(void)rows_listed_hex(c->rows, "user_pubkey_digest",
	    &p->user_pubkey_digest, r->user_pubkey_digest, 32);
	for (i = 0; i < CSV_RTMRS; i++) {
		(void)snprintf(claim, sizeof(claim), "rtmr%u", i);
		check_newer(c, claim, &p->rtmr[i], r->has_rtmr, r->rtmr[i], 32);
	}
	/* A host that gave none gave zeros: version 2 says the same. */
	check_newer(
	    c, "host_data", &p->host_data, r->has_rtmr, r->host_data, 64);
}

/* What holds whatever was measured. */
static void
check_platform(const struct check *c)
{
	if (c->policy->min_version)
		(void)rows_least(
		    c->rows, "version", c->policy->min_version, c->e->version);
	if (c->policy->require_no_sealing_key)
		(void)rows_say(c->rows, "sealing_key", !c->e->sealing_key,
		    "none in the report",
		    c->e->sealing_key ? "leaked by the attester" : "none");
	check_chip(c);
}

int
csv_appraise(const struct csv_evidence *e, const uint8_t *user_data,
    const struct csv_policy *policy, struct csv_report *out,
    struct appraise_result *rows)
{
	const struct check c = {e, out, policy, rows};
	bool opened;

	memset(out, 0, sizeof(*out));
	opened = user_data && csv_open(e, user_data, NULL, out) == 0;
	(void)rows_say(rows, "user_data", opened,
	    "the 64 bytes that were asked for",
	    opened	? "the same"
	    : user_data ? "others: measure and policy may be forged"
			: "not compared: measure and policy may be forged");
	if (!opened)
		return CL_ERR_APPRAISAL;
	check_policy_bits(&c);
	check_tcb(&c);
	check_platform(&c);
	check_values(&c);
	return rows_all_ok(rows) ? CL_OK : CL_ERR_APPRAISAL;
}
