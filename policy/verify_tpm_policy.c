#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/member.h"
#include "policy/verify_tpm.h"

/* {"0":["hex",…],…}: naming a PCR requires that it is in the quote. */
static int
get_pcrs(const json_t *o, struct tpm_policy *p)
{
	static const char *const known[] = {"0", "1", "2", "3", "4", "5", "6",
	    "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
	    "19", "20", "21", "22", "23", NULL};
	const json_t *all = json_object_get(o, "pcrs");
	unsigned i;
	int r;

	if (!all)
		return CL_OK;
	if (!json_is_object(all))
		return json_blame("pcrs");
	r = json_only(all, known);
	for (i = 0; r == 0 && known[i]; i++) {
		r = member_list(all, known[i], 32, 0, &p->pcr[i]);
		if (r == 0 && p->pcr[i].given)
			p->required |= 1u << i;
	}
	return r;
}

/* Pins, as the chain code wants them: of the AK's certificate only. */
static int
get_roots(const json_t *o, struct tpm_policy *p)
{
	struct rows_list list = {0};
	unsigned i, k, byte;
	int r = member_list(o, "ak_roots", 32, 0, &list);

	if (r == 0 && list.n > ROOTS_EXTRA_MAX)
		return json_blame("ak_roots");
	p->has_ak_roots = list.given;
	for (i = 0; r == 0 && i < list.n; i++) {
		p->ak_roots.extra[i].vendor = ROOT_AK;
		for (k = 0; k < 32; k++) {
			if (sscanf(list.value[i] + 2 * k, "%2x", &byte) != 1)
				return json_blame("ak_roots");
			p->ak_roots.extra[i].spki[k] = (uint8_t)byte;
		}
		p->ak_roots.nextra = i + 1;
	}
	return r;
}

static int
get_required(const json_t *o, struct tpm_policy *p)
{
	const json_t *a = json_object_get(o, "required_pcrs"), *item;
	size_t i;

	if (!a)
		return CL_OK;
	if (!json_is_array(a))
		return json_blame("required_pcrs");
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) >= TPM_PCRS)
			return json_blame("required_pcrs");
		p->required |= 1u << json_integer_value(item);
	}
	return CL_OK;
}

static int
get_max(const json_t *o, const char *key, bool *has, uint32_t *max)
{
	*has = json_object_get(o, key) != NULL;
	return member_number(o, key, 0, UINT32_MAX, max);
}

int
tpm_policy_parse(const json_t *o, struct tpm_policy *p)
{
	static const char *const known[] = {"ak", "ak_name", "ak_roots", "pcrs",
	    "required_pcrs", "firmware_version", "max_reset_count",
	    "max_restart_count", "require_eventlog", "allow_unsafe_clock",
	    "no_hcl", "require_fresh_hcl", "eventlog", NULL};
	int r;

	memset(p, 0, sizeof(*p));
	r = eventlog_want_parse(o, EVENTLOG_TPM, &p->eventlog);
	if (!o)
		return r;
	if (!json_is_object(o))
		return json_blame("tpm");
	if (r != 0 || (r = json_only(o, known)) != 0 ||
	    (r = member_list(o, "ak", 32, 0, &p->ak)) != 0 ||
	    (r = member_list(o, "ak_name", 34, 0, &p->ak_name)) != 0 ||
	    (r = get_roots(o, p)) != 0 ||
	    (r = member_list(o, "firmware_version", 8, 0, &p->firmware)) != 0 ||
	    (r = get_pcrs(o, p)) != 0 || (r = get_required(o, p)) != 0 ||
	    (r = get_max(o, "max_reset_count", &p->has_max_resets,
		 &p->max_resets)) != 0 ||
	    (r = get_max(o, "max_restart_count", &p->has_max_restarts,
		 &p->max_restarts)) != 0 ||
	    (r = member_flag(o, "require_eventlog", &p->require_eventlog)) !=
		0 ||
	    (r = member_flag(o, "no_hcl", &p->no_hcl)) != 0 ||
	    (r = member_flag(o, "require_fresh_hcl", &p->require_fresh_hcl)) !=
		0)
		return r;
	return member_flag(o, "allow_unsafe_clock", &p->allow_unsafe_clock);
}

static bool
is_listed(const struct rows_list *list, const char *text)
{
	unsigned i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->value[i], text) == 0)
			return true;
	return false;
}

bool
tpm_ak_pinned(const struct tpm_evidence *e, const struct tpm_policy *policy,
    bool must_be, struct appraise_result *rows)
{
	char spki[65], name[69];

	rows_hex(e->ak.spki, 32, spki);
	rows_hex(e->ak.name, sizeof(e->ak.name), name);
	if (e->ak.has_public && is_listed(&policy->ak_name, name))
		return rows_say(
		    rows, "ak.pinned", true, "a name in the policy", name);
	if (is_listed(&policy->ak, spki))
		return rows_say(
		    rows, "ak.pinned", true, "a key in the policy", spki);
	if (must_be)
		(void)rows_sayf(rows, "ak.pinned", false,
		    policy->ak.n || policy->ak_name.n
			? "a key in the policy"
			: "an endorsement, or a key in the policy",
		    "a key that nothing speaks for, %s", spki);
	return false;
}

/* Its value, or every record that went into it. */
static bool
is_known(const struct tpm_policy *p, unsigned pcr)
{
	return p->pcr[pcr].given || eventlog_want_measures(&p->eventlog, pcr);
}

/* Boot loader or kernel image, then command line and initial RAM disk: by GRUB
 * in PCR 8 and 9, by systemd's stub in 11. */
bool
tpm_policy_measures(const struct tpm_policy *p)
{
	return is_known(p, 4) &&
	       (is_known(p, 11) || (is_known(p, 8) && is_known(p, 9)));
}

static void
check_pcrs(const struct tpm_evidence *e, const struct tpm_policy *policy,
    struct appraise_result *rows)
{
	uint32_t selected = e->attest.selected;
	char claim[16], expected[40];
	unsigned i;

	(void)snprintf(expected, sizeof(expected), "all bits of 0x%06" PRIx32,
	    policy->required);
	(void)rows_sayf(rows, "pcrs",
	    (selected & policy->required) == policy->required, expected,
	    "0x%06" PRIx32, selected);
	for (i = 0; i < TPM_PCRS; i++) {
		if (!policy->pcr[i].given || !(selected >> i & 1))
			continue;
		(void)snprintf(claim, sizeof(claim), "pcr%u", i);
		(void)rows_listed_hex(
		    rows, claim, &policy->pcr[i], e->doc.pcr[i], 32);
	}
}

static void
check_max(struct appraise_result *rows, const char *claim, bool has,
    uint32_t max, uint32_t came)
{
	char expected[40];

	if (!has)
		return;
	(void)snprintf(expected, sizeof(expected), "at most %" PRIu32, max);
	(void)rows_sayf(rows, claim, came <= max, expected, "%" PRIu32, came);
}

static void
check_clock(const struct tpm_evidence *e, const struct tpm_policy *policy,
    struct appraise_result *rows)
{
	const struct tpm_attest *a = &e->attest;
	char firmware[17];

	(void)rows_say(rows, "clock.safe",
	    a->safe || policy->allow_unsafe_clock,
	    policy->allow_unsafe_clock ? "anything" : "never went back",
	    a->safe ? "never went back" : "may have gone back");
	check_max(rows, "reset_count", policy->has_max_resets,
	    policy->max_resets, a->resets);
	check_max(rows, "restart_count", policy->has_max_restarts,
	    policy->max_restarts, a->restarts);
	if (!policy->firmware.given)
		return;
	(void)snprintf(firmware, sizeof(firmware), "%016" PRIx64, a->firmware);
	(void)rows_listed(
	    rows, "firmware_version", &policy->firmware, firmware);
}

static void
check_log(const struct tpm_evidence *e, const struct tpm_policy *policy,
    struct appraise_result *rows)
{
	static const char want[] = "a log that replays to the quote's PCRs";
	bool must =
	    policy->require_eventlog || eventlog_want_needs(&policy->eventlog);

	if (e->log == TPM_LOG_NONE)
		(void)rows_say(
		    rows, "eventlog", !must, must ? want : "anything", "none");
	else if (e->log == TPM_LOG_DIFFERS)
		(void)rows_sayf(rows, "eventlog", false, want,
		    "PCRs 0x%06" PRIx32 " differ", e->differs);
	else
		(void)rows_say(rows, "eventlog", e->log == TPM_LOG_MATCHES,
		    want, e->log == TPM_LOG_MATCHES ? want : "no readable log");
}

int
tpm_appraise(const struct tpm_evidence *e, const struct tpm_policy *policy,
    struct appraise_result *rows)
{
	check_pcrs(e, policy, rows);
	check_clock(e, policy, rows);
	check_log(e, policy, rows);
	return rows_all_ok(rows) ? CL_OK : CL_ERR_APPRAISAL;
}

static int
set_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char text[2 * TPM_NAME_MAX + 1];

	rows_hex(p, n, text);
	return json_object_set_new(o, key, json_string(text));
}

static json_t *
print_pcrs(const struct tpm_doc *doc)
{
	json_t *o = json_object();
	char key[4];
	unsigned i;

	for (i = 0; i < TPM_PCRS; i++) {
		if (!(doc->given >> i & 1))
			continue;
		(void)snprintf(key, sizeof(key), "%u", i);
		if (set_hex(o, key, doc->pcr[i], 32) != 0) {
			json_decref(o);
			return NULL;
		}
	}
	return o;
}

static int
print_ak(const struct tpm_evidence *e, json_t *o)
{
	int r = set_hex(o, "ak_spki_sha256", e->ak.spki, 32);

	if (r == 0 && e->ak.has_public)
		r = set_hex(o, "ak_name", e->ak.name, sizeof(e->ak.name));
	if (r == 0 && e->has_hcl)
		r = set_hex(o, "sha256_hcl_var", e->hcl.hash, 32);
	return r;
}

json_t *
tpm_print(const struct tpm_evidence *e)
{
	const struct tpm_attest *a = &e->attest;
	char firmware[19], selected[11];
	json_t *o;

	(void)snprintf(
	    firmware, sizeof(firmware), "0x%016" PRIx64, a->firmware);
	(void)snprintf(selected, sizeof(selected), "0x%06" PRIx32, a->selected);
	/* Clocks above 2^63 do not fit a JSON number here; none exist. */
	o = json_pack("{s:I, s:I, s:I, s:i, s:s, s:s, s:i, s:o}", "clock",
	    (json_int_t)(a->clock & INT64_MAX), "reset_count",
	    (json_int_t)a->resets, "restart_count", (json_int_t)a->restarts,
	    "safe", (int)a->safe, "firmware_version", firmware, "pcrs_selected",
	    selected, "signature_scheme", (int)e->signature.scheme, "pcrs",
	    print_pcrs(&e->doc));
	if (o && (set_hex(o, "qualified_signer", a->signer, a->signer_n) != 0 ||
		     set_hex(o, "extra_data", a->extra, a->extra_n) != 0 ||
		     set_hex(o, "pcr_digest", a->digest, a->digest_n) != 0 ||
		     print_ak(e, o) != 0)) {
		json_decref(o);
		return NULL;
	}
	return o;
}
