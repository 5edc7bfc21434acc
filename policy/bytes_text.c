#include <stdbool.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/bytes_text.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text without white space; *n characters. NULL: no memory. */
static char *
squeeze(const char *text, size_t *n)
{
	char *out = secmem_alloc(*n + 1);
	size_t i, at = 0;

	for (i = 0; out && i < *n; i++)
		if (!is_space(text[i]))
			out[at++] = text[i];
	*n = at;
	return out;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
bytes_hex(const char *text, uint8_t *out, size_t n)
{
	size_t i;
	int high, low;

	for (i = 0; i < n; i++) {
		high = hex_digit(text[2 * i]);
		low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return CL_ERR_FORMAT;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return CL_OK;
}

/* In place. CL_ERR_FORMAT changes nothing. */
static int
unhex(char *text, size_t *n)
{
	size_t i, skip = *n > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0;
	size_t digits = *n - skip;

	if (!digits || digits % 2)
		return CL_ERR_FORMAT;
	for (i = skip; i < *n; i++)
		if (hex_digit(text[i]) < 0)
			return CL_ERR_FORMAT;
	for (i = 0; i < digits / 2; i++)
		text[i] = (char)(hex_digit(text[skip + 2 * i]) << 4 |
				 hex_digit(text[skip + 2 * i + 1]));
	*n = digits / 2;
	return CL_OK;
}

/* Either alphabet becomes base64url without padding. */
static int
unbase64(char *text, size_t n, uint8_t *out, size_t *out_n)
{
	size_t i, pads = 0;

	while (n && pads < 2 && text[n - 1] == '=')
		n--, pads++;
	for (i = 0; i < n; i++) {
		if (text[i] == '+')
			text[i] = '-';
		if (text[i] == '/')
			text[i] = '_';
	}
	*out_n = n;
	return n ? b64url_decode(text, n, out, out_n) : CL_ERR_FORMAT;
}

int
bytes_text(const char *text, size_t n, uint8_t **out, size_t *out_n)
{
	char *tight;
	uint8_t *p;
	int r;

	if (n > 3 * (size_t)BYTES_TEXT_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(tight = squeeze(text, &n)))
		return CL_ERR_MEMORY;
	if (unhex(tight, &n) == 0) {
		*out = (uint8_t *)tight;
		*out_n = n;
		return CL_OK;
	}
	r = CL_ERR_MEMORY;
	if ((p = secmem_alloc(n + 1)))
		r = unbase64(tight, n, p, out_n);
	secmem_free(tight);
	if (r == 0)
		*out = p;
	else
		secmem_free(p);
	return r;
}

static int
from_array(const json_t *a, uint8_t **out, size_t *out_n)
{
	size_t i, n = json_array_size(a);
	const json_t *item;
	uint8_t *p;

	if (!n)
		return CL_ERR_FORMAT;
	if (n > BYTES_TEXT_MAX)
		return CL_ERR_TOO_LARGE;
	if (!(p = secmem_alloc(n)))
		return CL_ERR_MEMORY;
	for (i = 0; i < n; i++) {
		item = json_array_get(a, i);
		if (!json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) > UINT8_MAX) {
			secmem_free(p);
			return CL_ERR_FORMAT;
		}
		p[i] = (uint8_t)json_integer_value(item);
	}
	*out = p;
	*out_n = n;
	return CL_OK;
}

int
bytes_json(const json_t *j, uint8_t **out, size_t *out_n)
{
	if (json_is_array(j))
		return from_array(j, out, out_n);
	if (!json_is_string(j))
		return CL_ERR_FORMAT;
	return bytes_text(
	    json_string_value(j), json_string_length(j), out, out_n);
}

int
bytes_member(const json_t *o, const char *key, uint8_t *out, size_t n)
{
	const json_t *j = json_object_get(o, key);
	uint8_t *p;
	size_t got;
	int r;

	if (!j || json_is_null(j)) {
		(void)json_blame(key);
		return CL_ERR_NOT_FOUND;
	}
	if ((r = bytes_json(j, &p, &got)) != 0)
		return r == CL_ERR_FORMAT ? json_blame(key) : r;
	if (got == n)
		memcpy(out, p, n);
	secmem_free(p);
	return got == n ? CL_OK : json_blame(key);
}
