#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/pcs_parts.h"

/* The body of a document as JSON. Parsed alone, so a member "signature" that
 * occurs twice cannot hide in it: the object would not be the whole text. */
static int
load(const uint8_t *p, size_t n, const char *name, json_t **out)
{
	const uint8_t *body;
	uint8_t sig[64];
	size_t body_n;
	int r;

	if ((r = pcs_split(p, n, name, &body, &body_n, sig)) != 0)
		return r;
	if (!(*out = json_parse((const char *)body, body_n, &r)))
		return r == CL_ERR_FORMAT ? json_blame(name) : r;
	return json_is_object(*out) ? CL_OK : json_blame(name);
}

static int
get_module(const json_t *o, struct pcs_module *out)
{
	int r;

	if ((r = pcs_hex(o, "mrsigner", out->mrsigner, 48)) != 0 ||
	    (r = pcs_hex(o, "attributes", out->attributes, 8)) != 0)
		return r;
	return pcs_hex(o, "attributesMask", out->mask, 8);
}

/* "TDX_01": two hex digits, any case, never 0 (that is tdxModule). */
static int
module_id(const json_t *o, uint8_t *out)
{
	char want[8];
	const char *s;
	unsigned v;
	int r;

	if ((r = json_get_str(o, "id", &s)) != 0)
		return r;
	for (v = 1; v <= UINT8_MAX; v++) {
		(void)snprintf(want, sizeof(want), "TDX_%02X", v);
		if (strcasecmp(want, s) != 0)
			continue;
		*out = (uint8_t)v;
		return CL_OK;
	}
	return json_blame("tdxModuleIdentities.id");
}

static int
get_modules(const json_t *o, struct pcs_tcb_info *t)
{
	const json_t *a, *item;
	struct pcs_module *m;
	size_t i;
	int r;

	/* Absent where only version 0 of the module exists. */
	a = json_object_get(o, "tdxModuleIdentities");
	if (!a || (json_is_array(a) && !json_array_size(a)))
		return CL_OK;
	r = pcs_array(o, "tdxModuleIdentities", PCS_MODULES_MAX, &a);
	if (r != 0)
		return r;
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		m = &t->modules[i];
		if ((r = module_id(item, &m->version)) != 0 ||
		    (r = get_module(item, m)) != 0 ||
		    (r = pcs_svn_levels(item, &m->levels)) != 0)
			return r;
		if (pcs_module(t, m->version))
			return json_blame("tdxModuleIdentities.id");
		t->nmodules = (unsigned)i + 1;
	}
	return CL_OK;
}

static int
get_svns(const json_t *tcb, const char *key, uint16_t out[PCS_SVNS])
{
	const json_t *a, *item;
	int64_t v = 0;
	size_t i;
	int r;

	if ((r = pcs_array(tcb, key, PCS_SVNS, &a)) != 0)
		return r;
	if (json_array_size(a) != PCS_SVNS)
		return json_blame(key);
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if ((r = json_get_int(item, "svn", 0, UINT16_MAX, &v)) != 0)
			return r;
		out[i] = (uint16_t)v;
	}
	return CL_OK;
}

static int
get_level(const json_t *item, struct pcs_level *level)
{
	const json_t *tcb = json_object_get(item, "tcb");
	int64_t v = 0;
	int r;

	if ((r = get_svns(tcb, "sgxtcbcomponents", level->sgx)) != 0 ||
	    (r = get_svns(tcb, "tdxtcbcomponents", level->tdx)) != 0 ||
	    (r = json_get_int(tcb, "pcesvn", 0, UINT16_MAX, &v)) != 0)
		return r;
	level->pcesvn = (uint16_t)v;
	return pcs_verdict(item, &level->status, &level->advisories);
}

static int
compare(const uint16_t *a, const uint16_t *b)
{
	unsigned i;

	for (i = 0; i < PCS_SVNS; i++)
		if (a[i] != b[i])
			return a[i] > b[i] ? -1 : 1;
	return 0;
}

/* Highest first: a document's own order decides nothing. */
static int
by_level(const void *a, const void *b)
{
	const struct pcs_level *x = a, *y = b;
	int r;

	if ((r = compare(x->sgx, y->sgx)) != 0)
		return r;
	if (x->pcesvn != y->pcesvn)
		return x->pcesvn > y->pcesvn ? -1 : 1;
	return compare(x->tdx, y->tdx);
}

static int
get_levels(const json_t *o, struct pcs_tcb_info *t)
{
	const json_t *a, *item;
	size_t i;
	int r;

	if ((r = pcs_array(o, "tcbLevels", PCS_LEVELS_MAX, &a)) != 0)
		return r;
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		if ((r = get_level(item, &t->levels[i])) != 0)
			return r;
	}
	t->nlevels = (unsigned)json_array_size(a);
	qsort(t->levels, t->nlevels, sizeof(t->levels[0]), by_level);
	/* Two of the same TCB could carry two verdicts. */
	for (i = 1; i < t->nlevels; i++)
		if (by_level(&t->levels[i - 1], &t->levels[i]) == 0)
			return json_blame("tcbLevels");
	return CL_OK;
}

static int
fill_tcb_info(const json_t *o, struct pcs_tcb_info *t)
{
	int64_t type;
	int r;

	if ((r = pcs_head(o, "TDX", 3, &t->head)) != 0 ||
	    (r = json_get_int(o, "tcbType", 0, 0, &type)) != 0 ||
	    (r = pcs_hex(o, "fmspc", t->fmspc, 6)) != 0 ||
	    (r = pcs_hex(o, "pceId", t->pceid, 2)) != 0 ||
	    (r = get_module(json_object_get(o, "tdxModule"), &t->module)) !=
		0 ||
	    (r = get_modules(o, t)) != 0)
		return r;
	return get_levels(o, t);
}

int
pcs_tcb_info_parse(const uint8_t *p, size_t n, struct pcs_tcb_info **out)
{
	struct pcs_tcb_info *t = secmem_alloc(sizeof(*t));
	int r;

	if (!t)
		return CL_ERR_MEMORY;
	if ((r = load(p, n, "tcbInfo", &t->doc)) != 0 ||
	    (r = fill_tcb_info(t->doc, t)) != 0) {
		pcs_tcb_info_free(t);
		return r;
	}
	*out = t;
	return CL_OK;
}

void
pcs_tcb_info_free(struct pcs_tcb_info *t)
{
	if (!t)
		return;
	json_decref(t->doc);
	secmem_free(t);
}

static int
fill_qe_identity(const json_t *o, struct pcs_qe_identity *q)
{
	int64_t v = 0;
	int r;

	if ((r = pcs_head(o, "TD_QE", 2, &q->head)) != 0 ||
	    (r = pcs_hex(o, "miscselect", q->miscselect, 4)) != 0 ||
	    (r = pcs_hex(o, "miscselectMask", q->misc_mask, 4)) != 0 ||
	    (r = pcs_hex(o, "attributes", q->attributes, 16)) != 0 ||
	    (r = pcs_hex(o, "attributesMask", q->mask, 16)) != 0 ||
	    (r = pcs_hex(o, "mrsigner", q->mrsigner, 32)) != 0 ||
	    (r = json_get_int(o, "isvprodid", 0, UINT16_MAX, &v)) != 0)
		return r;
	q->isvprodid = (uint16_t)v;
	return pcs_svn_levels(o, &q->levels);
}

int
pcs_qe_identity_parse(const uint8_t *p, size_t n, struct pcs_qe_identity **out)
{
	struct pcs_qe_identity *q = secmem_alloc(sizeof(*q));
	int r;

	if (!q)
		return CL_ERR_MEMORY;
	if ((r = load(p, n, "enclaveIdentity", &q->doc)) != 0 ||
	    (r = fill_qe_identity(q->doc, q)) != 0) {
		pcs_qe_identity_free(q);
		return r;
	}
	*out = q;
	return CL_OK;
}

void
pcs_qe_identity_free(struct pcs_qe_identity *q)
{
	if (!q)
		return;
	json_decref(q->doc);
	secmem_free(q);
}

const struct pcs_module *
pcs_module(const struct pcs_tcb_info *t, uint8_t version)
{
	unsigned i;

	for (i = 0; i < t->nmodules; i++)
		if (t->modules[i].version == version)
			return &t->modules[i];
	return NULL;
}
