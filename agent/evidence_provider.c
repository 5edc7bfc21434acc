#include "agent/evidence_provider.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/tsm.h"
#include "lib/secmem.h"

/* Auto's order; tpm and sim are only taken by name. */
static const struct evidence_provider *
provider_at(unsigned i)
{
	switch (i) {
	case 0:
		return evidence_snp();
	case 1:
		return evidence_tdx();
	case 2:
		return evidence_csv();
	case 3:
		return evidence_tpm();
	case 4:
		return evidence_sim();
	default:
		return NULL;
	}
}

const struct evidence_provider *
evidence_provider_by_name(const char *tee)
{
	const struct evidence_provider *p;
	unsigned i;

	for (i = 0; (p = provider_at(i)) != NULL; i++)
		if (strcmp(p->tee, tee) == 0)
			return p;
	return NULL;
}

static int
choose_any(const struct evidence_config *c,
    const struct evidence_provider **out, char reason[EVIDENCE_REASON])
{
	char why[EVIDENCE_REASON];
	const struct evidence_provider *p;
	size_t n;
	unsigned i;

	n = (size_t)snprintf(reason, EVIDENCE_REASON,
	    "no TEE (set tee = tpm for a TPM alone, sim for development)");
	for (i = 0; (p = provider_at(i)) != NULL; i++) {
		if (p == evidence_tpm() || p == evidence_sim())
			continue;
		why[0] = '\0';
		if (p->probe(c, why) == CL_OK) {
			memcpy(reason, why, sizeof(why));
			*out = p;
			return CL_OK;
		}
		if (n < EVIDENCE_REASON)
			n += (size_t)snprintf(reason + n, EVIDENCE_REASON - n,
			    "; %s: %.130s", p->tee, why);
	}
	return CL_ERR_NOT_FOUND;
}

int
evidence_provider_choose(const char *tee, const struct evidence_config *c,
    const struct evidence_provider **out, char reason[EVIDENCE_REASON])
{
	int r;

	*out = NULL;
	reason[0] = '\0';
	if (!strcmp(tee, "auto"))
		return choose_any(c, out, reason);
	if (!(*out = evidence_provider_by_name(tee))) {
		snprintf(reason, EVIDENCE_REASON,
		    "expected auto, snp, tdx, csv, tpm or sim, got '%.32s'",
		    tee);
		return CL_ERR_CONFIG;
	}
	r = (*out)->probe(c, reason);
	if (r && !reason[0])
		snprintf(reason, EVIDENCE_REASON, "%s", err_text(r));
	return r;
}

int
evidence_provider_give(struct evidence *out, const void *p, size_t n)
{
	if (n > EVIDENCE_RAW_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(out->raw = secmem_alloc(n)))
		return CL_ERR_MEMORY;
	memcpy(out->raw, p, n);
	out->raw_n = n;
	return CL_OK;
}

int
evidence_provider_find(const struct evidence_config *c, const char *tsm,
    const char *path, char reason[EVIDENCE_REASON])
{
	char why[TSM_REASON] = "", name[TSM_NAME];
	int fd, r = CL_ERR_NOT_FOUND;

	if (tsm && (r = tsm_provider(c->tsm_root, name, why)) == CL_OK) {
		if (!strcmp(name, tsm)) {
			snprintf(reason, EVIDENCE_REASON, "%s has provider %s",
			    c->tsm_root, name);
			return CL_OK;
		}
		snprintf(why, sizeof(why), "%.160s has provider %s",
		    c->tsm_root, name);
	}
	if ((fd = c->device->open(c->device->arg, path)) >= 0) {
		close(fd);
		snprintf(reason, EVIDENCE_REASON, "%s is there", path);
		return CL_OK;
	}
	if (errno == EACCES || errno == EPERM || r == CL_ERR_PERMISSION)
		r = CL_ERR_PERMISSION;
	else
		r = CL_ERR_NOT_FOUND;
	snprintf(reason, EVIDENCE_REASON, "%s%s%s: %s", why, why[0] ? "; " : "",
	    path, strerror(errno));
	return r;
}
