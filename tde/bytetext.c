#include <stdbool.h>
#include <string.h>

#include "tde/bytetext.h"

static const char hex[] = "0123456789abcdef";

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Two digits at text into one byte. */
static int
hex_byte(const char *text, uint8_t *b)
{
	int hi = hex_value(text[0]), lo = hex_value(text[1]);

	if (hi < 0 || lo < 0)
		return CL_ERR_TEXT;
	*b = (uint8_t)(hi << 4 | lo);
	return CL_OK;
}

static int
parse_hex(const char *text, size_t n, struct wr *out)
{
	size_t i = 0;
	uint8_t b;
	int r;

	while (i < n) {
		if (text[i] == ' ' || text[i] == '\n' || text[i] == '\t' ||
		    text[i] == '\r') {
			i++;
			continue;
		}
		if (n - i < 2)
			return CL_ERR_TEXT;
		if ((r = hex_byte(text + i, &b)) != 0 ||
		    (r = wr_u8(out, b)) != 0)
			return r;
		i += 2;
	}
	return CL_OK;
}

static bool
octal(const char *text, char most)
{
	return text[0] >= '0' && text[0] <= most && text[1] >= '0' &&
	       text[1] <= '7' && text[2] >= '0' && text[2] <= '7';
}

static int
parse_escape(const char *text, size_t n, struct wr *out)
{
	size_t i = 0;
	uint8_t b;
	int r;

	while (i < n) {
		if (text[i] != '\\') {
			b = (uint8_t)text[i];
			i++;
		} else if (n - i >= 4 && octal(text + i + 1, '3')) {
			b = (uint8_t)((text[i + 1] - '0') << 6 |
				      (text[i + 2] - '0') << 3 |
				      (text[i + 3] - '0'));
			i += 4;
		} else if (n - i >= 2 && text[i + 1] == '\\') {
			b = '\\';
			i += 2;
		} else {
			return CL_ERR_TEXT;
		}
		if ((r = wr_u8(out, b)) != 0)
			return r;
	}
	return CL_OK;
}

int
bytetext_parse_bytea(const char *text, size_t n, struct wr *out)
{
	if (n >= 2 && text[0] == '\\' && text[1] == 'x')
		return parse_hex(text + 2, n - 2, out);
	return parse_escape(text, n, out);
}

int
bytetext_print_bytea(const uint8_t *p, size_t n, struct wr *out)
{
	uint8_t *to;
	size_t i;
	int r;

	if (n > (SIZE_MAX - 2) / 2)
		return CL_ERR_TOO_LARGE;
	if ((r = wr_reserve(out, &to, 2 + 2 * n)) != 0)
		return r;
	to[0] = '\\';
	to[1] = 'x';
	for (i = 0; i < n; i++) {
		to[2 + 2 * i] = (uint8_t)hex[p[i] >> 4];
		to[3 + 2 * i] = (uint8_t)hex[p[i] & 15];
	}
	return CL_OK;
}

int
bytetext_parse_uuid(const char *text, size_t n, struct wr *out)
{
	uint8_t id[16];
	size_t i;
	int r;

	if (n && text[0] == '{') {
		if (text[n - 1] != '}')
			return CL_ERR_TEXT;
		text++;
		n = n < 2 ? 0 : n - 2;
	}
	for (i = 0; i < sizeof(id); i++) {
		if (n < 2 || (r = hex_byte(text, &id[i])) != 0)
			return CL_ERR_TEXT;
		text += 2;
		n -= 2;
		if (n && text[0] == '-' && i % 2 == 1 && i < 15) {
			text++;
			n--;
		}
	}
	return n ? CL_ERR_TEXT : wr_bytes(out, id, sizeof(id));
}

int
bytetext_print_uuid(const uint8_t p[16], struct wr *out)
{
	uint8_t *to;
	size_t i;
	int r;

	if ((r = wr_reserve(out, &to, 36)) != 0)
		return r;
	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = (uint8_t)hex[p[i] >> 4];
		*to++ = (uint8_t)hex[p[i] & 15];
	}
	return CL_OK;
}
