#include "agent/tpm_speaker.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/tpm_nv.h"
#include "agent/tpm_svsm.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/secmem.h"

#define CERTIFICATE_MAX 8192u
#define TD_QUOTE_MAX	(64u << 10)
#define NV_FIRST	0x01000000u
#define NV_LAST		0x01ffffffu

/* 0 is also what "none" and "auto" give. */
static bool
get_index(const char *text, uint32_t *index)
{
	*index = 0;
	if (strcmp(text, "auto") == 0 || strcmp(text, "none") == 0)
		return true;
	if (strncmp(text, "0x", 2) != 0 || strlen(text) != 10 ||
	    strspn(text + 2, "0123456789abcdefABCDEF") != 8)
		return false;
	*index = (uint32_t)strtoul(text, NULL, 16);
	return *index >= NV_FIRST && *index <= NV_LAST;
}

bool
tpm_speaker_is_index(const char *text)
{
	uint32_t index;

	return get_index(text, &index);
}

static int
fail(struct tpm *t, int r, const char *why)
{
	(void)snprintf(t->reason, SEAL_REASON, "%s", why);
	return r;
}

/* What is written there stands in the report that is read next, so that it
 * cannot be one of an earlier day. */
static int
find_hcl(struct tpm *t, bool fresh, const uint8_t *data, struct tpm_speaker *s)
{
	char why[TPM_NV_REASON] = "";
	int r = CL_OK;

	if (fresh)
		r = tpm_nv_write(t->esys, TPM_SIGNER_HCL_DATA, data,
		    EVIDENCE_REPORT_DATA, why);
	if (r == 0)
		r = tpm_nv_read(t->esys, TPM_SIGNER_HCL_REPORT, TPM_HCL_MAX,
		    &s->hcl, &s->hcl_n, why);
	return r ? fail(t, r, why[0] ? why : "the paravisor's report is gone")
		 : CL_OK;
}

static int
find_td_quote(struct tpm *t, const char *path, struct tpm_speaker *s)
{
	char why[SEAL_REASON];
	int r;

	if (!path || !*path)
		return CL_OK;
	r = file_read(
	    AT_FDCWD, path, TD_QUOTE_MAX, &s->td_quote, &s->td_quote_n);
	if (r == 0)
		return CL_OK;
	(void)snprintf(
	    why, sizeof(why), "[tpm] td_quote: %.120s: %s", path, err_text(r));
	return fail(t, r, why);
}

/* Clouds make the index larger than what is in it. */
static bool
trim(struct tpm_speaker *s)
{
	const uint8_t *end = s->certificate;
	X509 *cert = d2i_X509(NULL, &end, (long)s->certificate_n);

	ERR_clear_error();
	if (cert)
		s->certificate_n = (size_t)(end - s->certificate);
	X509_free(cert);
	return cert != NULL;
}

/* One that nobody asked for by its index is not missed. */
static int
find_certificate(
    struct tpm *t, const char *asked, uint32_t usual, struct tpm_speaker *s)
{
	char why[TPM_NV_REASON] = "";
	uint32_t index;
	int r;

	if (!asked || !get_index(asked, &index) || strcmp(asked, "none") == 0)
		return CL_OK;
	if (!(index || usual))
		return CL_OK;
	r = tpm_nv_read(t->esys, index ? index : usual, CERTIFICATE_MAX,
	    &s->certificate, &s->certificate_n, why);
	if (r == 0 && !trim(s)) {
		(void)snprintf(why, sizeof(why),
		    "NV index 0x%08x: expected a certificate",
		    (unsigned)(index ? index : usual));
		r = CL_ERR_FORMAT;
	}
	if (r == 0)
		return CL_OK;
	secmem_free(s->certificate);
	s->certificate = NULL;
	s->certificate_n = 0;
	if (index)
		return fail(t, r,
		    why[0] ? why
			   : "[tpm] ak_certificate: there "
			     "is no such NV index");
	if (r != CL_ERR_NOT_FOUND)
		log_warning("tpm: no certificate: %s", why);
	return CL_OK;
}

/* The TPM may be another one than the SVSM's: whoever verifies finds out. */
static int
find_svsm(struct tpm *t, const struct evidence_config *c, const uint8_t *data,
    struct tpm_speaker *s)
{
	char why[TSM_REASON];
	int r = tpm_svsm_attest(c->tsm_root, c->asked_ms, data, &s->svsm, why);

	if (r == CL_ERR_NOT_FOUND || r == CL_ERR_UNSUPPORTED)
		return CL_OK;
	memcpy(s->data, data, sizeof(s->data));
	return r ? fail(t, r, why) : CL_OK;
}

int
tpm_speaker_find(struct tpm *t, const struct evidence_config *c,
    const struct tpm_signer *key, const uint8_t data[EVIDENCE_REPORT_DATA],
    struct tpm_speaker *s)
{
	int r = CL_OK;

	memset(s, 0, sizeof(*s));
	if (key->hcl && ((r = find_hcl(t, c->tpm_hcl_fresh, data, s)) != 0 ||
			    (r = find_td_quote(t, c->tpm_td_quote, s)) != 0))
		return r;
	if (!key->hcl && c->tpm_svsm && (r = find_svsm(t, c, data, s)) != 0)
		return r;
	return find_certificate(t, c->tpm_ak_certificate, key->certificate, s);
}

static int
add_svsm(const struct tpm_speaker *s, json_t *document, struct evidence *out)
{
	const struct tsm_report *v = &s->svsm;
	int r;

	if ((r = json_set_blob(document, "svsm_report", v->out, v->out_n)) !=
		0 ||
	    (r = json_set_blob(
		 document, "svsm_manifest", v->manifest, v->manifest_n)) != 0 ||
	    (r = json_set_blob(
		 document, "svsm_data", s->data, sizeof(s->data))) != 0)
		return r;
	return v->aux_n ? evidence_add_blob(out, v->aux, v->aux_n) : CL_OK;
}

int
tpm_speaker_add(
    const struct tpm_speaker *s, json_t *document, struct evidence *out)
{
	int r = CL_OK;

	if (s->hcl)
		r = json_set_blob(document, "hcl", s->hcl, s->hcl_n);
	if (r == 0 && s->td_quote)
		r = json_set_blob(
		    document, "td_quote", s->td_quote, s->td_quote_n);
	if (r == 0 && s->svsm.out)
		r = add_svsm(s, document, out);
	if (r == 0 && s->certificate)
		r = evidence_add_blob(out, s->certificate, s->certificate_n);
	return r;
}

void
tpm_speaker_clear(struct tpm_speaker *s)
{
	secmem_free(s->hcl);
	secmem_free(s->td_quote);
	secmem_free(s->certificate);
	tsm_clear(&s->svsm);
	memset(s, 0, sizeof(*s));
}
