#include "lib/b64.h"

/*
 * Keys travel in base64, so nothing here indexes memory by a secret or
 * branches on one: letters are computed by arithmetic (after libsodium).
 */
struct alphabet {
	unsigned c62; /* '+' or '-' */
	unsigned c63; /* '/' or '_' */
	int pad;
};

static const struct alphabet standard = {'+', '/', 1};
static const struct alphabet url = {'-', '_', 0};

/* 0xff when the relation holds, else 0; operands below 256. */
static unsigned
eq(unsigned x, unsigned y)
{
	return (((0u - (x ^ y)) >> 8) & 0xff) ^ 0xff;
}

static unsigned
lt(unsigned x, unsigned y)
{
	return ((x - y) >> 8) & 0xff;
}

static unsigned
ge(unsigned x, unsigned y)
{
	return lt(x, y) ^ 0xff;
}

static char
to_char(const struct alphabet *a, unsigned x)
{
	return (char)((lt(x, 26) & (x + 'A')) |
		      (ge(x, 26) & lt(x, 52) & (x + ('a' - 26))) |
		      (ge(x, 52) & lt(x, 62) & (x + ('0' - 52))) |
		      (eq(x, 62) & a->c62) | (eq(x, 63) & a->c63));
}

/* 0..63, or 0xff for a character of no alphabet. */
static unsigned
from_char(const struct alphabet *a, unsigned c)
{
	unsigned x = (ge(c, 'A') & lt(c, 'Z' + 1) & (c - 'A')) |
		     (ge(c, 'a') & lt(c, 'z' + 1) & (c - ('a' - 26))) |
		     (ge(c, '0') & lt(c, '9' + 1) & (c - '0' + 52)) |
		     (eq(c, a->c62) & 62) | (eq(c, a->c63) & 63);

	return x | (eq(x, 0) & (eq(c, 'A') ^ 0xff));
}

size_t
b64_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

size_t
b64url_len(size_t n)
{
	return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

static void
encode(const struct alphabet *a, const uint8_t *p, size_t n, char *out)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		acc = acc << 8 | p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			out[len++] = to_char(a, acc >> (bits - 6) & 63);
	}
	if (bits)
		out[len++] = to_char(a, acc << (6 - bits) & 63);
	while (a->pad && len % 4)
		out[len++] = '=';
	out[len] = '\0';
}

void
b64_encode(const void *p, size_t n, char *out)
{
	encode(&standard, p, n, out);
}

void
b64url_encode(const void *p, size_t n, char *out)
{
	encode(&url, p, n, out);
}

/* Checks the padding and takes it off the length. */
static int
strip_padding(const struct alphabet *a, const char *text, size_t *len)
{
	size_t n = *len;

	if (a->pad) {
		if (n % 4)
			return CL_ERR_FORMAT;
		if (n && text[n - 1] == '=')
			n--;
		if (n % 4 == 3 && text[n - 1] == '=')
			n--;
	}
	if (n % 4 == 1)
		return CL_ERR_FORMAT;
	*len = n;
	return CL_OK;
}

static int
decode(const struct alphabet *a, const char *text, size_t len, uint8_t *out,
    size_t *n)
{
	uint32_t acc = 0;
	unsigned bits = 0, bad = 0, x;
	size_t i, at = 0;
	int r;

	if ((r = strip_padding(a, text, &len)) != 0)
		return r;
	if (len / 4 * 3 + len % 4 * 3 / 4 > *n)
		return CL_ERR_TOO_LARGE;
	for (i = 0; i < len; i++) {
		x = from_char(a, (uint8_t)text[i]);
		bad |= x & 0xc0;
		acc = acc << 6 | (x & 63);
		if ((bits += 6) >= 8) {
			bits -= 8;
			out[at++] = (uint8_t)(acc >> bits);
		}
	}
	/* Left-over bits must be zero, or two texts would mean the same. */
	bad |= acc & ((1u << bits) - 1);
	*n = at;
	return bad ? CL_ERR_FORMAT : CL_OK;
}

int
b64_decode(const char *text, size_t text_len, uint8_t *out, size_t *n)
{
	return decode(&standard, text, text_len, out, n);
}

int
b64url_decode(const char *text, size_t text_len, uint8_t *out, size_t *n)
{
	return decode(&url, text, text_len, out, n);
}
