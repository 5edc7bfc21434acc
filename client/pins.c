#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/pins.h"
#include "client/why.h"
#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/identity.h"

#define PINS_KEPT  64u /* starts of engines; the oldest goes */
#define AUDIT_SIG  64u
#define AUDIT_NAME "cloister audit v1"

struct head {
	char boot[33];
	int64_t count;
	uint8_t head[32];
	uint8_t sig[AUDIT_SIG];
};

static void
hex(const uint8_t *p, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* ---- the file ---- */

int
pins_load(const struct home *h, json_t **pins)
{
	uint8_t *text = NULL;
	size_t n;
	int r;

	*pins = NULL;
	if (faccessat(h->dirfd, "pins.json", F_OK, 0) != 0) {
		*pins = json_object();
		return *pins ? CL_OK : why_memory();
	}
	if ((r = home_read(h, "pins.json", &text, &n)) != 0)
		return r;
	*pins = json_parse((char *)text, n, &r);
	secmem_free(text);
	if (*pins)
		return CL_OK;
	return why_set(
	    r, "%s/pins.json is damaged; restore it from your backup", h->path);
}

static int
store(const struct home *h, const json_t *pins)
{
	size_t n;
	char *text = json_text(pins, &n);
	int r = text ? home_write(h, "pins.json", text, n) : why_memory();

	secmem_free(text);
	return r;
}

static const char *
oldest(json_t *pins)
{
	const char *key, *found = NULL;
	json_int_t seen, least = 0;
	json_t *v;

	json_object_foreach(pins, key, v)
	{
		seen = json_integer_value(json_object_get(v, "seen"));
		if (!found || seen < least) {
			least = seen;
			found = key;
		}
	}
	return found;
}

/* ---- learning ---- */

static int
add(json_t *pins, const char *boot, const uint8_t key[32])
{
	json_t *pin;
	int r;

	if (json_object_get(pins, boot))
		return CL_OK;
	if (json_object_size(pins) >= PINS_KEPT)
		json_object_del(pins, oldest(pins));
	pin = json_pack("{s:I}", "seen", (json_int_t)time(NULL));
	if (!pin)
		return why_memory();
	if ((r = json_set_blob(pin, "key", key, 32)) != 0) {
		json_decref(pin);
		return why_set(r, "pins.json: %s", err_text(r));
	}
	return json_object_set_new(pins, boot, pin) ? why_memory() : CL_OK;
}

static int
learn(const struct home *h, const struct evidence_claims *claims)
{
	char boot[33];
	json_t *pins;
	int r;

	hex(claims->boot, sizeof(claims->boot), boot);
	if ((r = pins_load(h, &pins)) != 0)
		return r;
	if ((r = add(pins, boot, claims->audit_key)) == 0)
		r = store(h, pins);
	json_decref(pins);
	return r;
}

int
pins_learn(const struct home *h, const struct evidence_claims *claims)
{
	int r;

	if ((r = home_lock(h)) != 0)
		return r;
	r = learn(h, claims);
	home_unlock(h);
	return r;
}

/* ---- checking ---- */

/* The raw key as identity_load_public wants it: RFC 8410, section 4. */
static int
load_key(const uint8_t raw[32], struct identity **out)
{
	static const uint8_t prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	uint8_t der[sizeof(prefix) + 32];
	char b64[64], pem[160];
	int n;

	memcpy(der, prefix, sizeof(prefix));
	memcpy(der + sizeof(prefix), raw, 32);
	b64_encode(der, sizeof(der), b64);
	n = snprintf(pem, sizeof(pem),
	    "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", b64);
	return identity_load_public(pem, (size_t)n, out);
}

static int
check_signature(const json_t *pin, const struct head *now)
{
	uint8_t key[32], count[8];
	struct crypto_part parts[2] = {
	    {count, sizeof(count)}, {now->head, sizeof(now->head)}};
	struct identity *id = NULL;
	int r;

	le64_put(count, (uint64_t)now->count);
	if ((r = json_get_bytes(pin, "key", key, sizeof(key))) == 0 &&
	    (r = load_key(key, &id)) == 0)
		r = identity_verify(
		    id, AUDIT_NAME, parts, 2, now->sig, sizeof(now->sig));
	identity_free(id);
	return r ? why_set(r,
		       "the reply's audit head is not signed by the "
		       "agent that was verified: %s",
		       err_text(r))
		 : CL_OK;
}

static int
check_order(const json_t *pin, const struct head *now)
{
	uint8_t head[32];
	int64_t count;

	if (!json_object_get(pin, "head"))
		return CL_OK;
	if (json_get_int(pin, "count", 0, INT64_MAX, &count) != 0 ||
	    json_get_bytes(pin, "head", head, sizeof(head)) != 0)
		return why_set(CL_ERR_FORMAT,
		    "pins.json: member \"%s\" is malformed", json_why());
	if (now->count > count ||
	    (now->count == count && memcmp(head, now->head, 32) == 0))
		return CL_OK;
	return why_set(CL_ERR_ROLLBACK,
	    "the agent's audit log was cut: expected at least %lld entries "
	    "with the pinned head, came %lld",
	    (long long)count, (long long)now->count);
}

static int
move(json_t *pin, const struct head *now)
{
	int r;

	if (json_object_set_new(pin, "count", json_integer(now->count)) ||
	    json_object_set_new(
		pin, "seen", json_integer((json_int_t)time(NULL))))
		return why_memory();
	r = json_set_blob(pin, "head", now->head, sizeof(now->head));
	return r ? why_memory() : CL_OK;
}

static int
read_head(const json_t *reply, struct head *h)
{
	uint8_t boot[16];
	int r;

	if ((r = json_get_bytes(reply, "boot", boot, sizeof(boot))) != 0 ||
	    (r = json_get_int(reply, "audit_count", 0, INT64_MAX, &h->count)) !=
		0 ||
	    (r = json_get_bytes(
		 reply, "audit_head", h->head, sizeof(h->head))) != 0 ||
	    (r = json_get_bytes(reply, "audit_sig", h->sig, sizeof(h->sig))) !=
		0)
		return why_set(
		    r, "the agent's reply: expected member \"%s\"", json_why());
	hex(boot, sizeof(boot), h->boot);
	return CL_OK;
}

/* Another process may have moved the pin further meanwhile. */
static int
advance(const struct home *h, const struct head *now)
{
	json_t *pins, *pin;
	int r;

	if ((r = pins_load(h, &pins)) != 0)
		return r;
	pin = json_object_get(pins, now->boot);
	if (pin &&
	    json_integer_value(json_object_get(pin, "count")) <= now->count &&
	    (r = move(pin, now)) == 0)
		r = store(h, pins);
	json_decref(pins);
	return r;
}

int
pins_check(const struct home *h, const json_t *before, const json_t *reply)
{
	struct head now;
	json_t *pin;
	int r;

	if ((r = read_head(reply, &now)) != 0)
		return r;
	pin = json_object_get(before, now.boot);
	if (!pin)
		return CL_OK;
	if ((r = check_signature(pin, &now)) != 0 ||
	    (r = check_order(pin, &now)) != 0 || (r = home_lock(h)) != 0)
		return r;
	r = advance(h, &now);
	home_unlock(h);
	return r;
}
