#include <string.h>

#include "lib/buf.h"
#include "lib/hpke_suite.h"
#include "lib/secmem.h"
#include "policy/message.h"

#define MAGIC	      "CLM1"
#define REPLY_MAGIC   "CLR1"
#define MAGIC_LEN     4u
#define SEALED_HEAD   (MAGIC_LEN + 1u + 32u + HPKE_ENC)
#define SEALED_DOMAIN "cloister message v1"
#define SIGNED_DOMAIN "cloister signed v1"
#define REPLY_LABEL   "cloister reply v1"

/* What is signed: what stands in front of the payload, and the payload. */
struct content {
	const char *domain;
	struct crypto_part parts[3];
	size_t nparts;
};

static struct content
sealed_content(
    const uint8_t hash[32], const uint8_t enc[32], const void *p, size_t n)
{
	struct content c = {
	    SEALED_DOMAIN, {{hash, 32}, {enc, HPKE_ENC}, {p, n}}, 3};

	return c;
}

static struct content
signed_content(const void *p, size_t n)
{
	struct content c = {SIGNED_DOMAIN, {{p, n}}, 1};

	return c;
}

/* HPKE info: the label with its NUL, then the claims hash. */
struct info {
	uint8_t p[sizeof(SEALED_DOMAIN) + 32];
};

static struct info
info_of(const uint8_t claims_hash[32])
{
	struct info info;

	memcpy(info.p, SEALED_DOMAIN, sizeof(SEALED_DOMAIN));
	memcpy(info.p + sizeof(SEALED_DOMAIN), claims_hash, 32);
	return info;
}

/* Blob payload, blob public key, blob signature. */
static int
write_body(const struct identity *who, const struct content *c, struct wr *out)
{
	const struct crypto_part *payload = &c->parts[c->nparts - 1];
	uint8_t sig[IDENTITY_SIG_MAX];
	size_t sig_n = sizeof(sig);
	char *pem = NULL;
	int r;

	if ((r = identity_public_pem(who, &pem)) != 0 ||
	    (r = identity_sign(
		 who, c->domain, c->parts, c->nparts, sig, &sig_n)) != 0 ||
	    (r = wr_blob(out, payload->p, payload->n)) != 0 ||
	    (r = wr_blob(out, pem, strlen(pem))) != 0 ||
	    (r = wr_blob(out, sig, sig_n)) != 0)
		goto out;
out:
	secmem_free(pem);
	return r;
}

/* As above, into fresh secmem. */
static int
make_body(const struct identity *who, const struct content *c, uint8_t **out,
    size_t *n)
{
	uint8_t *p = secmem_alloc(MESSAGE_MAX);
	struct wr body = wr_make(p, MESSAGE_MAX);
	int r;

	if (!p)
		return CL_ERR_MEMORY;
	if ((r = write_body(who, c, &body)) != 0) {
		secmem_free(p);
		return r;
	}
	*out = p;
	*n = body.len;
	return CL_OK;
}

/* Magic, kind, hash, enc, blob ciphertext; total is exact. */
static int
write_sealed(const struct hpke_context *c, const uint8_t claims_hash[32],
    const uint8_t enc[32], const uint8_t *body, size_t n, uint8_t **out,
    size_t *out_n)
{
	static const struct crypto_part no_aad = {NULL, 0};
	size_t ct_n = n + HPKE_OVERHEAD, total = SEALED_HEAD + 4 + ct_n;
	struct wr w;
	uint8_t *p, *ct;
	int r;

	if (total > MESSAGE_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(p = secmem_alloc(total)))
		return CL_ERR_MEMORY;
	w = wr_make(p, total);
	if ((r = wr_bytes(&w, MAGIC, MAGIC_LEN)) != 0 ||
	    (r = wr_u8(&w, MESSAGE_SEALED)) != 0 ||
	    (r = wr_bytes(&w, claims_hash, 32)) != 0 ||
	    (r = wr_bytes(&w, enc, HPKE_ENC)) != 0 ||
	    (r = wr_u32(&w, (uint32_t)ct_n)) != 0 ||
	    (r = wr_reserve(&w, &ct, ct_n)) != 0 ||
	    (r = crypto_aead_seal(hpke_aes256()->alg, c->key, c->nonce, &no_aad,
		 body, n, ct)) != 0) {
		secmem_free(p);
		return r;
	}
	*out = p;
	*out_n = total;
	return CL_OK;
}

int
message_seal(const struct identity *who, const uint8_t channel_key[32],
    const uint8_t claims_hash[32], const char *payload, size_t payload_n,
    uint8_t **out, size_t *n, struct hpke_exporter *ex)
{
	struct info info = info_of(claims_hash);
	struct content what;
	struct hpke_context c;
	uint8_t ephemeral[32], unused[32], enc[32], *body = NULL;
	size_t body_n;
	int r;

	/* The signature covers enc, so the key schedule comes first. */
	if ((r = hpke_keypair(ephemeral, unused)) != 0 ||
	    (r = hpke_setup_sender(hpke_aes256(), channel_key, ephemeral,
		 info.p, sizeof(info.p), enc, &c)) != 0)
		goto out;
	what = sealed_content(claims_hash, enc, payload, payload_n);
	if ((r = make_body(who, &what, &body, &body_n)) != 0 ||
	    (r = write_sealed(&c, claims_hash, enc, body, body_n, out, n)) != 0)
		goto out;
	*ex = c.ex;
out:
	secmem_wipe(ephemeral, sizeof(ephemeral));
	secmem_wipe(&c, sizeof(c));
	secmem_free(body);
	return r;
}

int
message_sign(const struct identity *who, const char *payload, size_t payload_n,
    uint8_t **out, size_t *n)
{
	struct content what = signed_content(payload, payload_n);
	uint8_t *p = secmem_alloc(MESSAGE_MAX);
	struct wr w = wr_make(p, MESSAGE_MAX);
	int r;

	if (!p)
		return CL_ERR_MEMORY;
	if ((r = wr_bytes(&w, MAGIC, MAGIC_LEN)) != 0 ||
	    (r = wr_u8(&w, MESSAGE_SIGNED)) != 0 ||
	    (r = write_body(who, &what, &w)) != 0) {
		secmem_free(p);
		return r;
	}
	*out = p;
	*n = w.len;
	return CL_OK;
}

/* Magic and kind. */
static int
read_head(struct rd *in, enum message_kind *kind)
{
	const uint8_t *magic;
	uint8_t k;
	int r;

	if ((r = rd_view(in, &magic, MAGIC_LEN)) != 0 ||
	    (r = rd_u8(in, &k)) != 0)
		return r;
	if (!secmem_equal(magic, MAGIC, MAGIC_LEN))
		return CL_ERR_FORMAT;
	if (k != MESSAGE_SEALED && k != MESSAGE_SIGNED)
		return CL_ERR_VERSION;
	*kind = (enum message_kind)k;
	return CL_OK;
}

int
message_peek(const uint8_t *p, size_t n, enum message_kind *kind,
    uint8_t claims_hash[32])
{
	struct rd in = rd_make(p, n);
	int r;

	memset(claims_hash, 0, 32);
	if (n > MESSAGE_MAX)
		return CL_ERR_TOO_LARGE;
	if ((r = read_head(&in, kind)) != 0)
		return r;
	return *kind == MESSAGE_SEALED ? rd_bytes(&in, claims_hash, 32) : CL_OK;
}

static int
copy_text(const uint8_t *p, size_t n, char **out)
{
	if (!(*out = secmem_alloc(n + 1)))
		return CL_ERR_MEMORY;
	if (n)
		memcpy(*out, p, n);
	(*out)[n] = '\0';
	return CL_OK;
}

/* Reads the body; hash and enc are NULL for a signed message. */
static int
read_body(
    struct rd in, const uint8_t *hash, const uint8_t *enc, struct message *m)
{
	const uint8_t *payload, *pem, *sig;
	size_t payload_n, pem_n, sig_n;
	struct content what;
	int r;

	if ((r = rd_blob(&in, &payload, &payload_n, MESSAGE_MAX)) != 0 ||
	    (r = rd_blob(&in, &pem, &pem_n, IDENTITY_PEM_MAX)) != 0 ||
	    (r = rd_blob(&in, &sig, &sig_n, IDENTITY_SIG_MAX)) != 0 ||
	    (r = rd_end(&in)) != 0)
		return r;
	if ((r = identity_load_public((const char *)pem, pem_n, &m->signer)) !=
	    0)
		return r;
	/* One message, one spelling: the key as we would write it. */
	if ((r = identity_public_pem(m->signer, &m->signer_pem)) != 0)
		return r;
	if (strlen(m->signer_pem) != pem_n ||
	    !secmem_equal(m->signer_pem, pem, pem_n))
		return CL_ERR_FORMAT;
	what = hash ? sealed_content(hash, enc, payload, payload_n)
		    : signed_content(payload, payload_n);
	if ((r = identity_verify(m->signer, what.domain, what.parts,
		 what.nparts, sig, sig_n)) != 0)
		return r;
	m->payload_n = payload_n;
	return copy_text(payload, payload_n, &m->payload);
}

static int
open_sealed(struct rd in, const uint8_t sk[32], struct message *m)
{
	const uint8_t *hash, *enc, *ct;
	struct info info;
	uint8_t *body = NULL;
	size_t n;
	int r;

	if ((r = rd_view(&in, &hash, 32)) != 0 ||
	    (r = rd_view(&in, &enc, HPKE_ENC)) != 0 ||
	    (r = rd_blob(&in, &ct, &n, MESSAGE_MAX)) != 0 ||
	    (r = rd_end(&in)) != 0)
		return r;
	if (n < HPKE_OVERHEAD)
		return CL_ERR_TRUNCATED;
	if (!(body = secmem_alloc(n)))
		return CL_ERR_MEMORY;
	info = info_of(hash);
	if ((r = hpke_open(sk, enc, info.p, sizeof(info.p), NULL, 0, ct, n,
		 body, &m->ex)) == 0)
		r = read_body(rd_make(body, n - HPKE_OVERHEAD), hash, enc, m);
	secmem_free(body);
	return r;
}

int
message_open(
    const uint8_t *p, size_t n, const uint8_t sk[32], struct message *m)
{
	struct rd in = rd_make(p, n);
	enum message_kind kind;
	int r;

	memset(m, 0, sizeof(*m));
	if (n > MESSAGE_MAX)
		return CL_ERR_TOO_LARGE;
	if ((r = read_head(&in, &kind)) != 0)
		return r;
	if ((kind == MESSAGE_SEALED) != (sk != NULL))
		return CL_ERR_ARGUMENT;
	r = sk ? open_sealed(in, sk, m) : read_body(in, NULL, NULL, m);
	if (r != 0)
		message_clear(m);
	return r;
}

void
message_clear(struct message *m)
{
	secmem_free(m->payload);
	secmem_free(m->signer_pem);
	identity_free(m->signer);
	secmem_wipe(m, sizeof(*m));
}

/* The key of one reply. Its nonce is zero because the key is used once. */
static int
reply_key(const struct hpke_exporter *ex, uint8_t key[32])
{
	return hpke_export(ex, REPLY_LABEL, strlen(REPLY_LABEL), key, 32);
}

static const uint8_t reply_nonce[CRYPTO_NONCE];
static const struct crypto_part reply_aad = {NULL, 0};

int
message_reply_seal(const struct hpke_exporter *ex, const char *text, size_t n,
    uint8_t **out, size_t *out_n)
{
	size_t blob_n = n + (ex ? HPKE_OVERHEAD : 0);
	size_t total = MAGIC_LEN + 1 + 4 + blob_n;
	uint8_t key[32], *p, *blob;
	struct wr w;
	int r;

	if (n > MESSAGE_MAX || total > MESSAGE_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(p = secmem_alloc(total)))
		return CL_ERR_MEMORY;
	w = wr_make(p, total);
	if ((r = wr_bytes(&w, REPLY_MAGIC, MAGIC_LEN)) != 0 ||
	    (r = wr_u8(&w, ex ? MESSAGE_SEALED : MESSAGE_SIGNED)) != 0 ||
	    (r = wr_u32(&w, (uint32_t)blob_n)) != 0 ||
	    (r = wr_reserve(&w, &blob, blob_n)) != 0)
		goto out;
	if (!ex)
		memcpy(blob, text, n);
	else if ((r = reply_key(ex, key)) == 0)
		r = crypto_aead_seal(CRYPTO_AES_256_GCM, key, reply_nonce,
		    &reply_aad, text, n, blob);
	if (r != 0)
		goto out;
	*out = p;
	*out_n = total;
	p = NULL; /* transferred */
out:
	secmem_wipe(key, sizeof(key));
	secmem_free(p);
	return r;
}

static int
open_reply_blob(const struct hpke_exporter *ex, const uint8_t *blob, size_t n,
    char **text, size_t *text_n)
{
	uint8_t key[32];
	char *p;
	int r;

	if (n < HPKE_OVERHEAD)
		return CL_ERR_TRUNCATED;
	if (!(p = secmem_alloc(n)))
		return CL_ERR_MEMORY;
	if ((r = reply_key(ex, key)) == 0)
		r = crypto_aead_open(CRYPTO_AES_256_GCM, key, reply_nonce,
		    &reply_aad, blob, n, (uint8_t *)p);
	secmem_wipe(key, sizeof(key));
	if (r != 0) {
		secmem_free(p);
		return r;
	}
	*text_n = n - HPKE_OVERHEAD;
	p[*text_n] = '\0';
	*text = p;
	return CL_OK;
}

int
message_reply_open(const struct hpke_exporter *ex, const uint8_t *p, size_t n,
    char **text, size_t *text_n)
{
	const uint8_t *magic, *blob;
	struct rd in = rd_make(p, n);
	size_t blob_n;
	uint8_t kind;
	int r;

	if ((r = rd_view(&in, &magic, MAGIC_LEN)) != 0 ||
	    (r = rd_u8(&in, &kind)) != 0)
		return r;
	if (!secmem_equal(magic, REPLY_MAGIC, MAGIC_LEN) ||
	    kind != (ex ? MESSAGE_SEALED : MESSAGE_SIGNED))
		return CL_ERR_FORMAT;
	if ((r = rd_blob(&in, &blob, &blob_n, MESSAGE_MAX)) != 0 ||
	    (r = rd_end(&in)) != 0)
		return r;
	if (ex)
		return open_reply_blob(ex, blob, blob_n, text, text_n);
	*text_n = blob_n;
	return copy_text(blob, blob_n, text);
}
