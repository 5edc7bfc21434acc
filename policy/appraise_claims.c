/* The claims' part of an appraisal. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/json.h"
#include "policy/appraise_tee.h"

static void
check_expiry(
    const struct appraise_case *c, const struct evidence_claims *claims)
{
	char expected[48];

	(void)snprintf(expected, sizeof(expected), "after %" PRId64, c->time);
	(void)rows_sayf(c->result, "expires", claims->expires > c->time,
	    expected, "%" PRId64, claims->expires);
}

static const char *
age_text(const struct appraise_case *c, char out[64])
{
	(void)snprintf(
	    out, 64, "at most %" PRId64 " s away from now", c->policy->max_age);
	return out;
}

void
appraise_age(const struct appraise_case *c, int64_t made)
{
	char expected[64];
	int64_t age;

	if (!c->policy->max_age)
		return;
	/* In the past or in the future: clocks differ both ways. */
	if (__builtin_sub_overflow(c->time, made, &age) || age == INT64_MIN)
		age = INT64_MAX;
	if (age < 0)
		age = -age;
	(void)rows_sayf(c->result, "age", age <= c->policy->max_age,
	    age_text(c, expected), "%" PRId64 " s", age);
}

/* What is no text is compared as JSON writes it. */
static void
posture_text(const json_t *value, char out[96])
{
	if (json_is_string(value))
		(void)snprintf(out, 96, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(
		    out, 96, "%s", json_is_true(value) ? "true" : "false");
	else if (json_is_integer(value))
		(void)snprintf(out, 96, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	else
		(void)snprintf(out, 96, "%s", value ? "no word" : "not said");
}

/* posture NULL: there are no claims. */
static void
check_posture(const struct appraise_case *c, const json_t *posture)
{
	const struct appraise_policy *p = c->policy;
	char claim[40], came[96];
	unsigned i;

	for (i = 0; i < p->nposture; i++) {
		(void)snprintf(
		    claim, sizeof(claim), "posture.%s", p->posture[i].name);
		posture_text(
		    json_object_get(posture, p->posture[i].name), came);
		(void)rows_listed(c->result, claim, &p->posture[i].words, came);
	}
}

void
appraise_claims(const struct appraise_case *c, const struct evidence *e,
    const struct evidence_claims *claims)
{
	const struct appraise_policy *p = c->policy;
	char expected[64];
	json_t *o;
	int r;

	appraise_listed(c->result, "binary", &p->binary, claims->binary);
	appraise_listed(c->result, "config", &p->config, claims->config);
	appraise_listed(c->result, "memory", &p->memory, claims->memory);
	o = json_parse(e->claims, e->claims_n, &r);
	check_posture(c, json_object_get(o, "posture"));
	json_decref(o);
	check_expiry(c, claims);
	if (!p->max_age || c->dated)
		return;
	if (claims->issued)
		appraise_age(c, claims->issued);
	else
		(void)rows_say(c->result, "age", false, age_text(c, expected),
		    "claims that do not say when they were issued");
}

/* A vendor's blob makes no claims of its own; what the owner wants of them
 * cannot be met by it. */
void
appraise_no_claims(const struct appraise_case *c)
{
	const struct appraise_policy *p = c->policy;
	static const char none[] = "evidence without claims";
	char expected[64];

	if (p->binary.given)
		appraise_listed(c->result, "binary", &p->binary, none);
	if (p->config.given)
		appraise_listed(c->result, "config", &p->config, none);
	if (p->memory.given)
		appraise_listed(c->result, "memory", &p->memory, none);
	check_posture(c, NULL);
	if (p->max_age && !c->dated)
		(void)rows_say(
		    c->result, "age", false, age_text(c, expected), none);
}
