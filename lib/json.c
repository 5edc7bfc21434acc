#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"

#define JSON_DEPTH 16u
#define WHY_MAX	   160u

static _Thread_local char why[WHY_MAX];

static pthread_once_t seeded = PTHREAD_ONCE_INIT;
static int seed_status = CL_ERR_INTERNAL;

const char *
json_why(void)
{
	return why;
}

static int
blame(const char *key, int code)
{
	(void)snprintf(why, sizeof(why), "%s", key);
	return code;
}

int
json_blame(const char *key)
{
	return blame(key, CL_ERR_FORMAT);
}

static void
seed_once(void)
{
	size_t seed = 0;

	if ((seed_status = crypto_random(&seed, sizeof(seed))) == 0)
		json_object_seed(seed ? seed : 1);
}

int
json_warmup(void)
{
	if (pthread_once(&seeded, seed_once) != 0)
		return CL_ERR_INTERNAL;
	return seed_status;
}

/* jansson recurses as deep as its text nests, up to 2048; count first. */
static int
check_depth(const char *text, size_t n)
{
	unsigned depth = 0, quoted = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = 0;
			continue;
		}
		if (text[i] == '"')
			quoted = 1;
		else if (text[i] == '{' || text[i] == '[')
			depth++;
		else if ((text[i] == '}' || text[i] == ']') && depth)
			depth--;
		if (depth > JSON_DEPTH)
			return CL_ERR_LIMIT;
	}
	return CL_OK;
}

json_t *
json_parse(const char *text, size_t n, int *err)
{
	json_error_t detail;
	json_t *j;

	if ((*err = json_warmup()) != 0)
		return NULL;
	(void)blame("", 0);
	if ((*err = check_depth(text, n)) != 0)
		return NULL;
	j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &detail);
	if (!j)
		*err = json_error_code(&detail) == json_error_out_of_memory
			   ? CL_ERR_MEMORY
			   : CL_ERR_FORMAT;
	/* It holds a piece of the text, which may be a secret. */
	secmem_wipe(&detail, sizeof(detail));
	return j;
}

struct text {
	char *p;
	size_t n;
	size_t cap;
};

static int
append(const char *piece, size_t n, void *arg)
{
	struct text *t = arg;
	size_t cap = t->cap ? t->cap : 256;
	char *p;

	if (n > SIZE_MAX / 4 || t->n > SIZE_MAX / 4)
		return -1;
	while (cap < t->n + n + 1)
		cap *= 2;
	if (cap != t->cap) {
		if (!(p = secmem_realloc(t->p, cap)))
			return -1;
		t->p = p;
		t->cap = cap;
	}
	memcpy(t->p + t->n, piece, n);
	t->n += n;
	t->p[t->n] = '\0';
	return 0;
}

char *
json_text(const json_t *j, size_t *n)
{
	struct text t = {NULL, 0, 0};

	if (json_dump_callback(j, append, &t,
		JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) != 0) {
		secmem_free(t.p);
		return NULL;
	}
	if (n)
		*n = t.n;
	return t.p;
}

int
json_get_str(const json_t *o, const char *key, const char **v)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!s)
		return blame(key, CL_ERR_FORMAT);
	*v = s;
	return CL_OK;
}

int
json_get_int(
    const json_t *o, const char *key, int64_t min, int64_t max, int64_t *v)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_integer(j) || json_integer_value(j) < min ||
	    json_integer_value(j) > max)
		return blame(key, CL_ERR_FORMAT);
	*v = json_integer_value(j);
	return CL_OK;
}

int
json_get_bool(const json_t *o, const char *key, bool *v)
{
	const json_t *j = json_object_get(o, key);

	if (!json_is_boolean(j))
		return blame(key, CL_ERR_FORMAT);
	*v = json_is_true(j);
	return CL_OK;
}

int
json_get_blob(
    const json_t *o, const char *key, uint8_t *out, size_t cap, size_t *n)
{
	const json_t *j = json_object_get(o, key);
	size_t got = cap;

	if (!json_is_string(j))
		return blame(key, CL_ERR_FORMAT);
	if (b64url_decode(
		json_string_value(j), json_string_length(j), out, &got) != 0) {
		secmem_wipe(out, cap);
		return blame(key, CL_ERR_FORMAT);
	}
	*n = got;
	return CL_OK;
}

int
json_get_bytes(const json_t *o, const char *key, uint8_t *out, size_t n)
{
	size_t got;
	int r;

	if ((r = json_get_blob(o, key, out, n, &got)) != 0)
		return r;
	if (got == n)
		return CL_OK;
	secmem_wipe(out, n);
	return blame(key, CL_ERR_FORMAT);
}

int
json_get_uuid(const json_t *o, const char *key, uint8_t uuid[16])
{
	const char *s;
	int r;

	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	return uuid_parse(s, uuid) ? blame(key, CL_ERR_FORMAT) : CL_OK;
}

int
json_set_blob(json_t *o, const char *key, const void *p, size_t n)
{
	char *text = secmem_alloc(b64url_len(n) + 1);
	int r = CL_ERR_MEMORY;

	if (!text)
		return r;
	b64url_encode(p, n, text);
	if (json_object_set_new(o, key, json_string(text)) == 0)
		r = CL_OK;
	secmem_free(text);
	return r;
}

int
json_set_uuid(json_t *o, const char *key, const uint8_t uuid[16])
{
	char text[UUID_TEXT];

	uuid_text(uuid, text);
	return json_object_set_new(o, key, json_string(text)) == 0
		   ? CL_OK
		   : CL_ERR_MEMORY;
}

int
json_only(const json_t *o, const char *const *known)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!json_is_object(o))
		return blame("", CL_ERR_FORMAT);
	json_object_foreach((json_t *)(uintptr_t)o, key, value)
	{
		for (i = 0; known[i] && strcmp(known[i], key) != 0; i++)
			;
		if (!known[i])
			return blame(key, CL_ERR_FORMAT);
	}
	return CL_OK;
}

static bool
dash_at(unsigned i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void
uuid_text(const uint8_t uuid[16], char out[UUID_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	unsigned i, at = 0;

	for (i = 0; i < 16; i++) {
		if (dash_at(at))
			out[at++] = '-';
		out[at++] = hex[uuid[i] >> 4];
		out[at++] = hex[uuid[i] & 15];
	}
	out[at] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
uuid_parse(const char *text, uint8_t uuid[16])
{
	uint8_t out[16];
	unsigned i, at = 0;
	int high, low;

	if (strlen(text) != UUID_TEXT - 1)
		return CL_ERR_FORMAT;
	for (i = 0; i < 16; i++) {
		if (dash_at(at) && text[at++] != '-')
			return CL_ERR_FORMAT;
		high = hex_digit(text[at++]);
		low = hex_digit(text[at++]);
		if (high < 0 || low < 0)
			return CL_ERR_FORMAT;
		out[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(uuid, out, sizeof(out));
	return CL_OK;
}

int
uuid_random(uint8_t uuid[16])
{
	int r;

	if ((r = crypto_random(uuid, 16)) != 0)
		return r;
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return CL_OK;
}
