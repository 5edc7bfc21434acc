#include "agent/audit.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "lib/crypto.h"
#include "lib/log.h"
#include "lib/secmem.h"

/* With its NUL, as signatures are made over domain ‖ NUL ‖ parts. */
static const char domain[] = "cloister audit v1";

struct audit {
	pthread_mutex_t lock;
	struct link *link; /* NULL: not started */
	EVP_PKEY *key;
	uint8_t public_key[AUDIT_KEY];
	uint64_t count;
	uint8_t head[CRYPTO_SHA256];
};

int
audit_new(struct audit **out, const uint8_t boot[16])
{
	struct crypto_part parts[2] = {{domain, sizeof(domain)}, {boot, 16}};
	struct audit *a = secmem_alloc(sizeof(*a));
	size_t n = AUDIT_KEY;
	int r = CL_ERR_CRYPTO;

	if (!a)
		return CL_ERR_MEMORY;
	a->key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!a->key ||
	    EVP_PKEY_get_raw_public_key(a->key, a->public_key, &n) != 1 ||
	    n != AUDIT_KEY || (r = crypto_sha256(parts, 2, a->head)) != 0) {
		EVP_PKEY_free(a->key);
		secmem_free(a);
		return r;
	}
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return CL_OK;
}

void
audit_start(struct audit *a, struct link *l)
{
	a->link = l;
}

void
audit_key(const struct audit *a, uint8_t public_key[AUDIT_KEY])
{
	memcpy(public_key, a->public_key, AUDIT_KEY);
}

static int
sign_head(const struct audit *a, uint8_t sig[AUDIT_SIG])
{
	uint8_t text[sizeof(domain) + 8 + CRYPTO_SHA256];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = AUDIT_SIG;
	int r = CL_ERR_CRYPTO;

	memcpy(text, domain, sizeof(domain));
	le64_put(text + sizeof(domain), a->count);
	memcpy(text + sizeof(domain) + 8, a->head, CRYPTO_SHA256);
	if (ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, a->key) == 1 &&
	    EVP_DigestSign(ctx, sig, &n, text, sizeof(text)) == 1 &&
	    n == AUDIT_SIG)
		r = CL_OK;
	EVP_MD_CTX_free(ctx);
	return r;
}

static int
set_text(json_t *o, const char *key, const char *text)
{
	return json_object_set_new(o, key, json_string(text)) ? CL_ERR_MEMORY
							      : CL_OK;
}

/* The line's text in *line, secmem. The lock is held. */
static int
compose(struct audit *a, const char *event, const uint8_t tenant[16],
    const char *subject, const char *detail, char **line, size_t *n)
{
	json_t *o = json_object();
	int r = CL_ERR_MEMORY;

	if (!o ||
	    json_object_set_new(
		o, "n", json_integer((json_int_t)a->count + 1)) ||
	    json_object_set_new(
		o, "time", json_integer((json_int_t)time(NULL))))
		goto out;
	if ((r = set_text(o, "event", event)) != 0 ||
	    (r = json_set_blob(o, "prev", a->head, sizeof(a->head))) != 0 ||
	    (tenant && (r = json_set_uuid(o, "tenant", tenant)) != 0) ||
	    (subject && (r = set_text(o, "subject", subject)) != 0) ||
	    (detail && detail[0] && (r = set_text(o, "detail", detail)) != 0))
		goto out;
	*line = json_text(o, n);
	r = *line ? CL_OK : CL_ERR_MEMORY;
out:
	json_decref(o);
	return r;
}

/* AUDIT: blob line, signature over the head that it leads to. */
static int
write_line(struct audit *a, const char *line, size_t n)
{
	uint8_t sig[AUDIT_SIG], *body;
	struct wr out;
	int r;

	if (!a->link)
		return CL_OK;
	if ((r = sign_head(a, sig)) != 0)
		return r;
	if (!(body = secmem_alloc(n + 4 + sizeof(sig))))
		return CL_ERR_MEMORY;
	out = wr_make(body, n + 4 + sizeof(sig));
	if ((r = wr_blob(&out, line, n)) == 0 &&
	    (r = wr_bytes(&out, sig, sizeof(sig))) == 0)
		r = link_tell(a->link, BROKER_AUDIT, body, out.len);
	secmem_free(body);
	return r;
}

static int
add_line(struct audit *a, const char *line, size_t n)
{
	struct crypto_part parts[2] = {{a->head, sizeof(a->head)}, {line, n}};
	uint8_t next[CRYPTO_SHA256];
	int r;

	if ((r = crypto_sha256(parts, 2, next)) != 0)
		return r;
	memcpy(a->head, next, sizeof(next));
	a->count++;
	return write_line(a, line, n);
}

void
audit_event(struct audit *a, const char *event, const uint8_t tenant[16],
    const char *subject, const char *detail)
{
	char *line = NULL;
	size_t n = 0;
	int r;

	pthread_mutex_lock(&a->lock);
	r = compose(a, event, tenant, subject, detail, &line, &n);
	if (!r)
		r = add_line(a, line, n);
	pthread_mutex_unlock(&a->lock);
	secmem_free(line);
	if (r)
		log_error("audit line for %s is lost: %s", event, err_text(r));
}

int
audit_add_head(struct audit *a, json_t *reply)
{
	uint8_t sig[AUDIT_SIG];
	int r;

	pthread_mutex_lock(&a->lock);
	r = sign_head(a, sig);
	if (!r && json_object_set_new(
		      reply, "audit_count", json_integer((json_int_t)a->count)))
		r = CL_ERR_MEMORY;
	if (!r)
		r = json_set_blob(
		    reply, "audit_head", a->head, sizeof(a->head));
	if (!r)
		r = json_set_blob(reply, "audit_sig", sig, sizeof(sig));
	pthread_mutex_unlock(&a->lock);
	return r;
}
