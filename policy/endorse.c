#include <openssl/err.h>
#include <stdbool.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/endorse.h"
#include "policy/endorse_blob.h"

int
endorse_new(struct endorse **out)
{
	int r;

	*out = NULL;
	if ((r = crypto_ready()) != 0)
		return r;
	*out = secmem_alloc(sizeof(**out));
	return *out ? CL_OK : CL_ERR_MEMORY;
}

/* How much a bag held, to return to when adding fails half way. */
struct mark {
	unsigned ncerts, ncrls, ndocs;
};

static void
cut(struct endorse *e, struct mark m)
{
	while (e->ncerts > m.ncerts)
		X509_free(e->certs[--e->ncerts]);
	while (e->ncrls > m.ncrls)
		X509_CRL_free(e->crls[--e->ncrls]);
	while (e->ndocs > m.ndocs)
		secmem_free(e->docs[--e->ndocs].p);
}

void
endorse_free(struct endorse *e)
{
	if (!e)
		return;
	cut(e, (struct mark){0, 0, 0});
	secmem_free(e);
}

/* Takes the reference, whatever comes of it. */
static int
keep_cert(struct endorse *e, X509 *cert)
{
	unsigned i;
	int r = CL_OK;

	for (i = 0; i < e->ncerts; i++)
		if (X509_cmp(e->certs[i], cert) == 0)
			goto out;
	if (e->ncerts < ENDORSE_CERTS_MAX) {
		e->certs[e->ncerts++] = cert;
		return CL_OK;
	}
	r = CL_ERR_LIMIT;
out:
	X509_free(cert);
	return r;
}

static int
keep_crl(struct endorse *e, X509_CRL *crl)
{
	unsigned i;
	int r = CL_OK;

	for (i = 0; i < e->ncrls; i++)
		if (X509_CRL_match(e->crls[i], crl) == 0)
			goto out;
	if (e->ncrls < ENDORSE_CRLS_MAX) {
		e->crls[e->ncrls++] = crl;
		return CL_OK;
	}
	r = CL_ERR_LIMIT;
out:
	X509_CRL_free(crl);
	return r;
}

int
endorse_add_cert(struct endorse *e, const uint8_t *p, size_t n)
{
	const unsigned char *q = p;
	X509 *cert = d2i_X509(NULL, &q, (long)n);

	ERR_clear_error();
	if (cert && q == p + n)
		return keep_cert(e, cert);
	X509_free(cert);
	return CL_ERR_FORMAT;
}

int
endorse_add_crl(struct endorse *e, const uint8_t *p, size_t n)
{
	const unsigned char *q = p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &q, (long)n);

	ERR_clear_error();
	if (crl && q == p + n)
		return keep_crl(e, crl);
	X509_CRL_free(crl);
	return CL_ERR_FORMAT;
}

static int
add_doc(struct endorse *e, enum endorse_kind kind, const uint8_t *p, size_t n)
{
	struct endorse_doc *doc = &e->docs[e->ndocs];
	unsigned i;

	for (i = 0; i < e->ndocs; i++)
		if (e->docs[i].kind == kind && e->docs[i].n == n &&
		    memcmp(e->docs[i].p, p, n) == 0)
			return CL_OK;
	if (e->ndocs == ENDORSE_DOCS_MAX)
		return CL_ERR_LIMIT;
	if (!(doc->p = secmem_alloc(n)))
		return CL_ERR_MEMORY;
	memcpy(doc->p, p, n);
	doc->n = n;
	doc->kind = kind;
	e->ndocs++;
	return CL_OK;
}

int
endorse_add_bag(struct endorse *e, const struct endorse *more)
{
	unsigned i;
	int r = CL_OK;

	for (i = 0; r == 0 && i < more->ncerts; i++) {
		if (X509_up_ref(more->certs[i]) != 1)
			return CL_ERR_CRYPTO;
		r = keep_cert(e, more->certs[i]);
	}
	for (i = 0; r == 0 && i < more->ncrls; i++) {
		if (X509_CRL_up_ref(more->crls[i]) != 1)
			return CL_ERR_CRYPTO;
		r = keep_crl(e, more->crls[i]);
	}
	for (i = 0; r == 0 && i < more->ndocs; i++)
		r = add_doc(
		    e, more->docs[i].kind, more->docs[i].p, more->docs[i].n);
	return r;
}

/* A certificate or a CRL: which one, only trying tells. */
static int
add_der(struct endorse *e, const uint8_t *p, size_t n)
{
	int r = endorse_add_cert(e, p, n);

	return r == CL_ERR_FORMAT ? endorse_add_crl(e, p, n) : r;
}

static int
add_hygon(struct endorse *e, const uint8_t *p, size_t n)
{
	int kind = endorse_hygon_kind(p, n);

	return kind ? add_doc(e, (enum endorse_kind)kind, p, n) : CL_ERR_FORMAT;
}

/* Kept as the bytes that came: their signature is over bytes. */
static int
add_json(struct endorse *e, const uint8_t *p, size_t n)
{
	json_t *o;
	int r;

	if (!(o = json_parse((const char *)p, n, &r)))
		return r == CL_ERR_MEMORY ? r : CL_ERR_FORMAT;
	if (json_object_get(o, "tcbInfo"))
		r = add_doc(e, ENDORSE_TCB_INFO, p, n);
	else if (json_object_get(o, "enclaveIdentity"))
		r = add_doc(e, ENDORSE_QE_IDENTITY, p, n);
	else
		r = CL_ERR_FORMAT;
	json_decref(o);
	return r;
}

int
endorse_add_atom(struct endorse *e, const uint8_t *p, size_t n)
{
	if (endorse_is_pem(p, n))
		return endorse_add_pem(e, p, n);
	return n ? add_der(e, p, n) : CL_ERR_FORMAT;
}

static int
add(struct endorse *e, const uint8_t *p, size_t n)
{
	int r;

	if (endorse_is_table(p, n))
		return endorse_add_table(e, p, n);
	if ((r = endorse_add_atom(e, p, n)) != CL_ERR_FORMAT)
		return r;
	if (endorse_hygon_kind(p, n))
		return add_hygon(e, p, n);
	return endorse_is_json(p, n) ? add_json(e, p, n) : CL_ERR_FORMAT;
}

int
endorse_add(struct endorse *e, const uint8_t *p, size_t n)
{
	struct mark m = {e->ncerts, e->ncrls, e->ndocs};
	int r;

	if (n > ENDORSE_BLOB_MAX)
		return CL_ERR_TOO_LARGE;
	if (!endorse_type(p, n))
		return CL_ERR_FORMAT;
	if ((r = add(e, p, n)) != 0)
		cut(e, m);
	return r;
}

const struct endorse_doc *
endorse_find(const struct endorse *e, enum endorse_kind kind)
{
	unsigned i;

	for (i = 0; i < e->ndocs; i++)
		if (e->docs[i].kind == kind)
			return &e->docs[i];
	return NULL;
}
