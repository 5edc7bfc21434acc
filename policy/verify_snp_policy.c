#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "lib/crypto.h"
#include "policy/member.h"
#include "policy/verify_snp.h"

/* AMD's public key structure: u32 curve (2: P-384), X and Y little endian in
 * 72 bytes each, zeros. */
#define KEY_BYTES 0x404u
#define KEY_P384  2u
#define KEY_X	  4u
#define KEY_Y	  (KEY_X + 72u)

static int
get_point(EVP_PKEY *key, uint8_t x[48], uint8_t y[48])
{
	uint8_t point[97];
	size_t n;
	char group[32];

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1 ||
	    strcmp(group, "secp384r1") != 0 ||
	    EVP_PKEY_get_octet_string_param(
		key, "encoded-pub-key", point, sizeof(point), &n) != 1 ||
	    n != sizeof(point) || point[0] != 4)
		return CL_ERR_UNSUPPORTED;
	memcpy(x, point + 1, 48);
	memcpy(y, point + 49, 48);
	return CL_OK;
}

int
snp_key_digest(const char *pem, size_t n, uint8_t out[48])
{
	uint8_t amd[KEY_BYTES] = {KEY_P384}, x[48], y[48];
	EVP_PKEY *key = NULL;
	unsigned i;
	BIO *bio;
	int r;

	if ((r = crypto_ready()) != 0)
		return r;
	bio = n <= 4096 ? BIO_new_mem_buf(pem, (int)n) : NULL;
	key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	r = key ? get_point(key, x, y) : CL_ERR_FORMAT;
	for (i = 0; r == 0 && i < 48; i++) {
		amd[KEY_X + i] = x[47 - i];
		amd[KEY_Y + i] = y[47 - i];
	}
	if (r == 0 &&
	    EVP_Digest(amd, sizeof(amd), out, NULL, EVP_sha384(), NULL) != 1)
		r = CL_ERR_CRYPTO;
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

static int
get_lists(const json_t *o, struct snp_policy *p)
{
	const struct {
		const char *key;
		size_t bytes;
		struct rows_list *list;
	} lists[] = {{"measurement", 48, &p->measurement},
	    {"host_data", 32, &p->host_data},
	    {"id_key_digest", 48, &p->id_key_digest},
	    {"author_key_digest", 48, &p->author_key_digest},
	    {"family_id", 16, &p->family_id}, {"image_id", 16, &p->image_id},
	    {"chip_id", 64, &p->chip_id},
	    {"report_id_ma", 32, &p->report_id_ma}, {"csp_id", 0, &p->csp_id}};
	size_t i;
	int r = CL_OK;

	for (i = 0; r == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
		r = member_list(
		    o, lists[i].key, lists[i].bytes, SIZE_MAX, lists[i].list);
	return r;
}

/* Public keys as PEM: their digests join the list of digests. */
static int
get_keys(const json_t *o, const char *key, struct snp_policy *p,
    struct rows_list *list)
{
	const json_t *a = json_object_get(o, key), *item;
	uint8_t digest[48];
	size_t i;

	if (!a)
		return CL_OK;
	if (!json_is_array(a))
		return json_blame(key);
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if (p->nkeys == SNP_KEYS_MAX || list->n == ROWS_LIST_MAX ||
		    !json_is_string(item) ||
		    snp_key_digest(json_string_value(item),
			json_string_length(item), digest) != 0)
			return json_blame(key);
		rows_hex(digest, 48, p->keys[p->nkeys]);
		list->value[list->n++] = p->keys[p->nkeys++];
	}
	list->given = true;
	return CL_OK;
}

static int
get_flags(const json_t *o, struct snp_policy *p)
{
	const struct {
		const char *key;
		bool *v;
	} flags[] = {{"allow_debug", &p->allow_debug},
	    {"allow_migration", &p->allow_migration},
	    {"allow_masked_chip", &p->allow_masked_chip},
	    {"allow_provisional", &p->allow_provisional},
	    {"allow_stale_crl", &p->allow_stale_crl},
	    {"require_crl", &p->require_crl},
	    {"require_smt_off", &p->require_smt_off},
	    {"check_launch_tcb", &p->check_launch_tcb}};
	size_t i;
	int r = CL_OK;

	for (i = 0; r == 0 && i < sizeof(flags) / sizeof(flags[0]); i++)
		r = member_flag(o, flags[i].key, flags[i].v);
	return r;
}

static int
get_numbers(const json_t *o, struct snp_policy *p)
{
	int r;

	if ((r = member_number(
		 o, "min_guest_svn", 0, UINT32_MAX, &p->min_guest_svn)) ||
	    (r = member_number(o, "min_version", 0, 5, &p->min_version)) ||
	    (r = member_number(o, "max_vmpl", 0, 3, &p->max_vmpl)))
		return r;
	return member_version(o, "min_abi", &p->min_abi);
}

static int
get_tcb(const json_t *o, const char *key, unsigned at, struct snp_policy *p)
{
	static const char *const known[] = {
	    "fmc", "bl", "tee", "snp", "ucode", NULL};
	struct snp_tcb *t = &p->min_tcb[at];
	uint8_t *const part[] = {&t->fmc, &t->bl, &t->tee, &t->snp, &t->ucode};
	const json_t *tcb = json_object_get(o, key);
	uint32_t v;
	unsigned i;
	int r;

	if (!tcb)
		return CL_OK;
	if (!json_is_object(tcb))
		return json_blame(key);
	if ((r = json_only(tcb, known)) != 0)
		return r;
	/* Only Turin has the first. */
	if (at != 2 && json_object_get(tcb, "fmc"))
		return json_blame("fmc");
	for (i = 0; i < 5; i++) {
		v = 0;
		if ((r = member_number(tcb, known[i], 0, 255, &v)) != 0)
			return r;
		*part[i] = (uint8_t)v;
	}
	p->has_min_tcb[at] = true;
	return CL_OK;
}

static int
get_tcbs(const json_t *o, struct snp_policy *p)
{
	static const char *const known[] = {"milan", "genoa", "turin", NULL};
	const json_t *all = json_object_get(o, "min_tcb");
	unsigned i;
	int r;

	if (!all)
		return CL_OK;
	if (!json_is_object(all))
		return json_blame("min_tcb");
	if ((r = json_only(all, known)) != 0)
		return r;
	for (i = 0; r == 0 && i < 3; i++)
		r = get_tcb(all, known[i], i, p);
	return r;
}

int
snp_policy_parse(const json_t *o, struct snp_policy *p)
{
	static const char *const known[] = {"measurement", "host_data",
	    "id_key_digest", "author_key_digest", "id_key", "author_key",
	    "family_id", "image_id", "chip_id", "report_id_ma", "csp_id",
	    "min_guest_svn", "min_version", "max_vmpl", "min_abi",
	    "allow_debug", "allow_migration", "allow_masked_chip",
	    "allow_provisional", "allow_stale_crl", "require_crl",
	    "require_smt_off", "check_launch_tcb", "required_mitigations",
	    "required_policy", "required_platform_info", "min_tcb", NULL};
	int r;

	memset(p, 0, sizeof(*p));
	if (!o)
		return CL_OK;
	if (!json_is_object(o))
		return json_blame("snp");
	if ((r = json_only(o, known)) || (r = get_lists(o, p)) ||
	    (r = get_keys(o, "id_key", p, &p->id_key_digest)) ||
	    (r = get_keys(o, "author_key", p, &p->author_key_digest)) ||
	    (r = get_flags(o, p)) || (r = get_numbers(o, p)) ||
	    (r = member_mask(
		 o, "required_mitigations", 16, &p->required_mitigations)) ||
	    (r = member_mask(o, "required_policy", 16, &p->required_policy)) ||
	    (r = member_mask(
		 o, "required_platform_info", 16, &p->required_platform_info)))
		return r;
	return get_tcbs(o, p);
}

/* Of one report while it is appraised. */
struct check {
	const struct snp_report *r;
	const struct snp_evidence *e;
	const struct snp_policy *policy;
	struct appraise_result *rows;
};

static void
check_bits(
    const struct check *c, const char *claim, uint64_t came, uint64_t want)
{
	char expected[64];

	if (!want)
		return;
	(void)snprintf(
	    expected, sizeof(expected), "all bits of 0x%" PRIx64, want);
	(void)rows_sayf(c->rows, claim, (came & want) == want, expected,
	    "0x%" PRIx64, came);
}

/* A bit that is a permission: clear, unless the owner allows it. */
static void
check_permission(
    const struct check *c, const char *claim, uint64_t bit, bool allowed)
{
	bool set = (c->r->policy & bit) != 0;

	(void)rows_say(c->rows, claim, !set || allowed,
	    allowed ? "anything" : "forbidden", set ? "allowed" : "forbidden");
}

/* Firmware fills the field with ones where there is no agent. */
static void
check_migration(const struct check *c)
{
	static const uint8_t zeros[32];
	uint8_t ones[32];
	const uint8_t *id = c->r->report_id_ma;
	bool none;

	memset(ones, 0xff, sizeof(ones));
	none = memcmp(id, ones, 32) == 0 || memcmp(id, zeros, 32) == 0;
	check_permission(c, "policy.migration", SNP_POLICY_MIGRATION,
	    c->policy->allow_migration);
	if (c->r->policy & SNP_POLICY_MIGRATION)
		(void)rows_listed_hex(
		    c->rows, "report_id_ma", &c->policy->report_id_ma, id, 32);
	else
		(void)rows_say(c->rows, "report_id_ma", none,
		    "no migration agent",
		    none ? "no migration agent" : "a migration agent");
}

static void
check_policy_bits(const struct check *c)
{
	uint64_t bits = c->r->policy;

	(void)rows_sayf(c->rows, "policy.reserved",
	    (bits & SNP_POLICY_ONE) && !(bits & SNP_POLICY_RESERVED),
	    "bit 17 set, bits 26 to 63 clear", "0x%" PRIx64, bits);
	check_permission(
	    c, "policy.debug", SNP_POLICY_DEBUG, c->policy->allow_debug);
	check_migration(c);
	if (c->policy->require_smt_off)
		check_permission(c, "policy.smt", SNP_POLICY_SMT, false);
	if (c->policy->min_abi)
		(void)rows_sayf(c->rows, "policy.abi",
		    (bits & SNP_POLICY_ABI) >= c->policy->min_abi,
		    "the policy's min_abi or newer", "%u.%u",
		    (unsigned)(bits >> 8 & 0xff), (unsigned)(bits & 0xff));
	check_bits(c, "policy.bits", bits, c->policy->required_policy);
	check_bits(c, "platform_info", c->r->platform_info,
	    c->policy->required_platform_info);
}

static void
check_vmpl(const struct check *c)
{
	char expected[32];

	(void)snprintf(expected, sizeof(expected), "at most %" PRIu32,
	    c->policy->max_vmpl);
	if (c->r->vmpl == UINT32_MAX)
		(void)rows_say(c->rows, "vmpl", false, expected, "the host");
	else
		(void)rows_sayf(c->rows, "vmpl",
		    c->r->vmpl <= c->policy->max_vmpl, expected, "%" PRIu32,
		    c->r->vmpl);
}

static bool
not_above(const struct snp_tcb *a, const struct snp_tcb *b)
{
	return a->fmc <= b->fmc && a->bl <= b->bl && a->tee <= b->tee &&
	       a->snp <= b->snp && a->ucode <= b->ucode;
}

static void
tcb_text(const struct snp_tcb *t, const char *before, char out[160])
{
	(void)snprintf(out, 160, "%sfmc %u, bl %u, tee %u, snp %u, ucode %u",
	    before, t->fmc, t->bl, t->tee, t->snp, t->ucode);
}

static bool
check_minimum(const struct check *c, const char *claim,
    const struct snp_tcb *least, const struct snp_tcb *came)
{
	char want[160], have[160];

	tcb_text(least, "at least ", want);
	tcb_text(came, "", have);
	return rows_say(c->rows, claim, not_above(least, came), want, have);
}

/* reported <= committed <= current, in every component. */
static bool
check_order(const struct check *c)
{
	const struct snp_report *r = c->r;
	bool ok = not_above(&r->reported, &r->committed) &&
		  not_above(&r->committed, &r->current) &&
		  !r->reported.reserved && !r->committed.reserved &&
		  !r->current.reserved && !r->launch.reserved;

	return rows_say(c->rows, "tcb.order", ok,
	    "reported <= committed <= current, reserved bytes zero",
	    ok ? "the same" : "another order");
}

/* Firmware that can still be rolled back is provisional. */
static bool
check_committed(const struct check *c)
{
	const struct snp_report *r = c->r;
	bool same = memcmp(r->committed.raw, r->current.raw, 8) == 0 &&
		    memcmp(r->committed_fw, r->current_fw, 3) == 0;

	return rows_say(c->rows, "tcb.committed",
	    same || c->policy->allow_provisional,
	    c->policy->allow_provisional ? "anything"
					 : "what runs is committed",
	    same ? "what runs is committed" : "provisional firmware");
}

static void
check_tcb(const struct check *c)
{
	unsigned at = (unsigned)c->r->product - ROOT_AMD_MILAN;
	const char *verdict = "ok";
	const struct snp_tcb *least;

	if (!check_committed(c))
		verdict = "provisional";
	if (at < 3 && c->policy->has_min_tcb[at]) {
		least = &c->policy->min_tcb[at];
		if (!check_minimum(c, "tcb.reported", least, &c->r->reported))
			verdict = "out of date";
		if (c->policy->check_launch_tcb &&
		    !check_minimum(c, "tcb.launch", least, &c->r->launch))
			verdict = "out of date";
	}
	if (!check_order(c))
		verdict = "inconsistent";
	(void)snprintf(c->rows->tcb, sizeof(c->rows->tcb), "%s", verdict);
}

static void
check_crl(const struct check *c)
{
	static const char *const came[] = {
	    [CHAIN_CRL_GOOD] = "a current one that names nothing of ours",
	    [CHAIN_CRL_NONE] = "none",
	    [CHAIN_CRL_STALE] = "one whose time is over",
	    [CHAIN_CRL_REVOKED] = "one that names it",
	    [CHAIN_CRL_BAD] = "one that does not verify",
	    [CHAIN_CRL_EARLY] = "one whose time has not come"};
	bool ok = c->e->crl == CHAIN_CRL_GOOD;

	if (!c->policy->require_crl)
		ok |=
		    c->e->crl == CHAIN_CRL_NONE || c->e->crl == CHAIN_CRL_EARLY;
	if (c->policy->allow_stale_crl)
		ok |= c->e->crl == CHAIN_CRL_STALE;
	(void)rows_say(c->rows, "chain.revocation_list", ok,
	    c->policy->require_crl ? "a current one" : "a current one, or none",
	    came[c->e->crl]);
}

/* An author's digest counts only where the report says that there is one. */
static void
check_author(const struct check *c)
{
	if (c->policy->author_key_digest.given &&
	    !(c->r->key_info & SNP_KEY_AUTHOR))
		(void)rows_say(c->rows, "author_key_digest", false,
		    "an author key", "none");
	else
		(void)rows_listed_hex(c->rows, "author_key_digest",
		    &c->policy->author_key_digest, c->r->author_key_digest, 48);
}

static void
check_values(const struct check *c)
{
	const struct snp_policy *p = c->policy;
	const struct snp_report *r = c->r;

	(void)rows_listed_hex(
	    c->rows, "measurement", &p->measurement, r->measurement, 48);
	(void)rows_listed_hex(
	    c->rows, "host_data", &p->host_data, r->host_data, 32);
	(void)rows_listed_hex(
	    c->rows, "id_key_digest", &p->id_key_digest, r->id_key_digest, 48);
	check_author(c);
	(void)rows_listed_hex(
	    c->rows, "family_id", &p->family_id, r->family_id, 16);
	(void)rows_listed_hex(
	    c->rows, "image_id", &p->image_id, r->image_id, 16);
	(void)rows_listed_hex(c->rows, "chip_id", &p->chip_id, r->chip_id, 64);
	if (p->csp_id.given || c->e->vek.vlek)
		(void)rows_listed(
		    c->rows, "csp_id", &p->csp_id, c->e->vek.csp_id);
	(void)rows_least(c->rows, "guest_svn", p->min_guest_svn, r->guest_svn);
	check_bits(c, "mitigations", r->current_mit, p->required_mitigations);
}

int
snp_appraise(const struct snp_evidence *e, const struct snp_policy *policy,
    struct appraise_result *rows)
{
	struct check c = {&e->report, e, policy, rows};

	if (policy->min_version)
		(void)rows_least(
		    rows, "version", policy->min_version, e->report.version);
	check_policy_bits(&c);
	check_vmpl(&c);
	check_tcb(&c);
	check_crl(&c);
	check_values(&c);
	return rows_all_ok(rows) ? CL_OK : CL_ERR_APPRAISAL;
}
