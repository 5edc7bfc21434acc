#include <time.h>

#include "client/floor.h"
#include "client/request.h"
#include "client/why.h"
#include "lib/b64.h"
#include "lib/json.h"
#include "lib/secmem.h"

static int
seal_error(int r)
{
	return r ? why_set(r, "cannot make the message: %s", err_text(r))
		 : CL_OK;
}

/* Takes the reference. */
static int
sign(const struct owner *o, json_t *payload, uint8_t **out, size_t *n)
{
	char *text = NULL;
	size_t len;
	int r;

	text = payload ? json_text(payload, &len) : NULL;
	if (!text)
		r = why_memory();
	else
		r = seal_error(message_sign(o->private, text, len, out, n));
	secmem_free(text);
	json_decref(payload);
	return r;
}

int
request_signed(const struct owner *o, const char *op, const uint8_t boot[16],
    uint8_t **out, size_t *n)
{
	json_int_t expires = (json_int_t)time(NULL) + REQUEST_SECONDS;
	json_t *j = json_pack("{s:s, s:I}", "op", op, "expires", expires);
	uint8_t nonce[16];
	int r;

	*out = NULL;
	if (!j)
		return why_memory();
	if ((r = crypto_random(nonce, sizeof(nonce))) != 0 ||
	    (r = json_set_uuid(j, "tenant", o->tenant)) != 0 ||
	    (r = json_set_blob(j, "boot", boot, 16)) != 0 ||
	    (r = json_set_blob(j, "nonce", nonce, sizeof(nonce))) != 0) {
		json_decref(j);
		return seal_error(r);
	}
	return sign(o, j, out, n);
}

int
request_open(const struct owner *o, const uint8_t boot[16], char **out)
{
	uint8_t *message = NULL;
	size_t n;
	int r;

	*out = NULL;
	if ((r = request_signed(o, "open", boot, &message, &n)) != 0)
		return r;
	*out = secmem_alloc(b64_len(n) + 1);
	if (*out)
		b64_encode(message, n, *out);
	else
		r = why_memory();
	secmem_free(message);
	return r;
}

static int
provision_members(
    const struct owner *o, const struct request_provision *p, json_t *j)
{
	json_t *floor = NULL;
	int r;

	if ((r = floor_load(&o->home, &floor)) != 0)
		return r;
	if (json_object_set_new(j, "floor", floor) != 0 ||
	    json_object_set_new(j, "op", json_string("provision")) != 0 ||
	    json_object_set_new(j, "seal", json_boolean(p->seal)) != 0 ||
	    json_object_set_new(j, "lease", json_integer(p->lease)) != 0 ||
	    json_object_set_new(
		j, "time", json_integer((json_int_t)time(NULL))) != 0)
		return why_memory();
	if ((r = json_set_uuid(j, "tenant", o->tenant)) != 0 ||
	    (r = json_set_blob(j, "tenant_key", o->keys->tenant,
		 sizeof(o->keys->tenant))) != 0 ||
	    (r = json_set_blob(
		 j, "hash_key", o->keys->hash, sizeof(o->keys->hash))) != 0)
		return seal_error(r);
	return CL_OK;
}

int
request_provision(const struct owner *o, const struct request_provision *p,
    uint8_t **out, size_t *n, struct hpke_exporter *ex)
{
	json_t *j = json_object();
	char *text = NULL;
	size_t len;
	int r;

	*out = NULL;
	if (!j)
		return why_memory();
	if ((r = provision_members(o, p, j)) != 0)
		goto out;
	text = json_text(j, &len);
	if (!text) {
		r = why_memory();
		goto out;
	}
	r = seal_error(message_seal(o->private, p->claims->channel_key,
	    p->claims_hash, text, len, out, n, ex));
out:
	secmem_free(text);
	json_decref(j);
	return r;
}

int
request_reply(const struct hpke_exporter *ex, const uint8_t *reply, size_t n,
    json_t **out)
{
	char *text = NULL;
	size_t len;
	int r;

	*out = NULL;
	if ((r = message_reply_open(ex, reply, n, &text, &len)) != 0)
		return why_set(r,
		    "the reply is not from the engine that the message was "
		    "for: %s",
		    err_text(r));
	*out = json_parse(text, len, &r);
	if (!*out)
		r = why_set(
		    r, "the engine's reply: expected JSON: %s", err_text(r));
	secmem_free(text);
	return r;
}
