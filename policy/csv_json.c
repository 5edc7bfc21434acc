#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "policy/bytes_text.h"
#include "policy/csv_json.h"

#define NUMBER 72u /* of X, Y, R and S */

/* A byte string that must be there, and one that may be. */
static int
bytes(struct wr *out, const json_t *o, const char *key, size_t n)
{
	uint8_t *p;
	int r;

	if ((r = wr_reserve(out, &p, n)) != 0)
		return r;
	r = bytes_member(o, key, p, n);
	return r == CL_ERR_NOT_FOUND ? CL_ERR_FORMAT : r;
}

static int
reserved(struct wr *out, const json_t *o, const char *key, size_t n)
{
	int64_t v = 0;
	uint8_t *p;
	int r;

	if ((r = wr_reserve(out, &p, n)) != 0)
		return r;
	memset(p, 0, n);
	if (n == 2 && json_is_integer(json_object_get(o, key))) {
		if ((r = json_get_int(o, key, 0, UINT16_MAX, &v)) == 0)
			le16_put(p, (uint16_t)v);
		return r;
	}
	r = bytes_member(o, key, p, n);
	return r == CL_ERR_NOT_FOUND ? CL_OK : r;
}

static int
number(struct wr *out, const json_t *o, const char *key, unsigned size)
{
	int64_t v = 0;
	int r = json_get_int(o, key, 0, (INT64_C(1) << 8 * size) - 1, &v);

	if (r != 0)
		return r;
	return size == 4   ? wr_u32(out, (uint32_t)v)
	       : size == 2 ? wr_u16(out, (uint16_t)v)
			   : wr_u8(out, (uint8_t)v);
}

static int
pair(struct wr *out, const json_t *o, const char *a, const char *b)
{
	int r = bytes(out, o, a, NUMBER);

	return r ? r : bytes(out, o, b, NUMBER);
}

static int
root_cert(struct wr *out, const json_t *o, const json_t *body)
{
	const json_t *preamble = json_object_get(body, "preamble");
	const json_t *data = json_object_get(preamble, "data");
	const json_t *key = json_object_get(body, "pubkey");
	int r;

	if ((r = number(out, preamble, "ver", 4)) ||
	    (r = bytes(out, data, "kid", 16)) ||
	    (r = bytes(out, data, "sid", 16)) ||
	    (r = number(out, data, "usage", 4)) ||
	    (r = reserved(out, data, "reserved", 24)) ||
	    (r = number(out, key, "g", 4)) || (r = pair(out, key, "x", "y")) ||
	    (r = number(out, body, "uid_size", 2)) ||
	    (r = bytes(out, body, "user_id", CSV_UID_MAX)) ||
	    (r = reserved(out, body, "reserved", 108)) ||
	    (r = pair(out, json_object_get(o, "signature"), "r", "s")))
		return r;
	return reserved(out, o, "_reserved", 112);
}

static int
signature(struct wr *out, const json_t *o)
{
	int r;

	if ((r = number(out, o, "usage", 4)) ||
	    (r = number(out, o, "algo", 4)) ||
	    (r = pair(out, json_object_get(o, "signature"), "r", "s")))
		return r;
	return reserved(out, o, "_reserved", 368);
}

static int
csv_cert(struct wr *out, const json_t *o, const json_t *body)
{
	const json_t *data = json_object_get(body, "data");
	const json_t *firmware = json_object_get(data, "firmware");
	const json_t *key = json_object_get(data, "pubkey");
	const json_t *xy = json_object_get(key, "key");
	const json_t *sigs = json_object_get(o, "sigs");
	int r;

	if ((r = number(out, body, "ver", 4)) ||
	    (r = number(out, firmware, "major", 1)) ||
	    (r = number(out, firmware, "minor", 1)) ||
	    (r = reserved(out, data, "reserved1", 2)) ||
	    (r = number(out, key, "usage", 4)) ||
	    (r = number(out, key, "algo", 4)) ||
	    (r = number(out, xy, "g", 4)) || (r = pair(out, xy, "x", "y")) ||
	    (r = number(out, data, "uid_size", 2)) ||
	    (r = bytes(out, data, "user_id", CSV_UID_MAX)) ||
	    (r = bytes(out, data, "sid", 16)) ||
	    (r = reserved(out, data, "reserved2", 608)) ||
	    (r = signature(out, json_array_get(sigs, 0))))
		return r;
	return signature(out, json_array_get(sigs, 1));
}

int
csv_json_cert(const json_t *o, uint8_t out[CSV_CERT], size_t *n)
{
	const json_t *body = json_object_get(o, "body");
	bool root = json_object_get(body, "preamble") != NULL;
	struct wr w;
	int r;

	*n = root ? CSV_ROOT_CERT : CSV_CERT;
	w = wr_make(out, *n);
	if (!json_is_object(body))
		return json_blame("body");
	r = root ? root_cert(&w, o, body) : csv_cert(&w, o, body);
	return r == 0 || r == CL_ERR_FORMAT ? r : json_blame("body");
}
