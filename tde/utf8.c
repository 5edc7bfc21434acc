#include <string.h>

#include "tde/utf8.h"

#define HIGH_BITS 0x8080808080808080u
#define LOW_ONES  0x0101010101010101u

/* Eight bytes at once: all ASCII and none of them NUL. */
static bool
plain8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return ((v | ((v - LOW_ONES) & ~v)) & HIGH_BITS) == 0;
}

static bool
continues(uint8_t b)
{
	return (b & 0xc0) == 0x80;
}

/* Bytes of the legal multi-byte character at p, or 0. */
static size_t
legal_multi(const uint8_t *p, size_t n)
{
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return n >= 2 && continues(p[1]) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if (n < 3 || !continues(p[1]) || !continues(p[2]))
			return 0;
		/* overlong, surrogate */
		if (p[0] == 0xe0 && p[1] < 0xa0)
			return 0;
		return p[0] == 0xed && p[1] > 0x9f ? 0 : 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (n < 4 || !continues(p[1]) || !continues(p[2]) ||
		    !continues(p[3]))
			return 0;
		if (p[0] == 0xf0 && p[1] < 0x90)
			return 0;
		return p[0] == 0xf4 && p[1] > 0x8f ? 0 : 4;
	}
	return 0;
}

bool
utf8_legal(const uint8_t *p, size_t n)
{
	size_t i = 0, len;

	while (i < n) {
		if (n - i >= 8 && plain8(p + i)) {
			i += 8;
		} else if (p[i] < 0x80) {
			if (p[i] == 0)
				return false;
			i++;
		} else {
			if ((len = legal_multi(p + i, n - i)) == 0)
				return false;
			i += len;
		}
	}
	return true;
}

size_t
utf8_char(const uint8_t *p, size_t n)
{
	size_t len = 1;

	if (p[0] >= 0xf0)
		len = 4;
	else if (p[0] >= 0xe0)
		len = 3;
	else if (p[0] >= 0xc0)
		len = 2;
	return len < n ? len : n;
}

size_t
utf8_count(const uint8_t *p, size_t n)
{
	size_t i, chars = 0;

	for (i = 0; i < n; i++)
		chars += !continues(p[i]);
	return chars;
}

size_t
utf8_bytes(const uint8_t *p, size_t n, size_t chars)
{
	size_t i = 0;

	for (; chars && i < n; chars--)
		i += utf8_char(p + i, n - i);
	return i;
}

size_t
utf8_put(uint32_t code, uint8_t out[4])
{
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (code & 63));
	return 4;
}
