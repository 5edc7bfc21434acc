#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/secmem.h"
#include "policy/rows.h"

/* Bytes of a digest that a row shows. */
#define SHOWN 16u
/* The longest value that a claim has: 64 bytes. */
#define HEX_MAX 64u

static struct appraise_row *
new_row(struct appraise_result *result, const char *claim, bool ok)
{
	struct appraise_row *row;

	/* Rows are a fixed list; the last place is reused rather than lost,
	 * but never for a success when it holds a refusal. */
	if (result->nrows == APPRAISE_MAX_ROWS) {
		if (ok && !result->rows[result->nrows - 1].ok)
			return NULL;
		result->nrows--;
	}
	row = &result->rows[result->nrows++];
	(void)snprintf(row->claim, sizeof(row->claim), "%s", claim);
	row->ok = ok;
	return row;
}

bool
rows_say(struct appraise_result *result, const char *claim, bool ok,
    const char *expected, const char *came)
{
	struct appraise_row *row = new_row(result, claim, ok);

	if (!row)
		return ok;
	(void)snprintf(row->expected, sizeof(row->expected), "%s", expected);
	(void)snprintf(row->came, sizeof(row->came), "%s", came);
	return ok;
}

bool
rows_sayf(struct appraise_result *result, const char *claim, bool ok,
    const char *expected, const char *format, ...)
{
	char came[sizeof(result->rows[0].came)];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(came, sizeof(came), format, ap);
	va_end(ap);
	return rows_say(result, claim, ok, expected, came);
}

void
rows_hex(const uint8_t *p, size_t n, char *out)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}

bool
rows_same(struct appraise_result *result, const char *claim,
    const uint8_t *expected, const uint8_t *came, size_t n)
{
	char a[2 * SHOWN + 4], b[2 * SHOWN + 4];
	size_t from = 0, shown;

	/* From the start; further on, when they differ only there. */
	while (from + SHOWN < n &&
	       secmem_equal(expected + from, came + from, SHOWN))
		from += SHOWN;
	if (from + SHOWN >= n && secmem_equal(expected, came, n))
		from = 0;
	shown = n - from < SHOWN ? n - from : SHOWN;
	memcpy(a, "...", 3);
	memcpy(b, "...", 3);
	rows_hex(expected + from, shown, a + 3);
	rows_hex(came + from, shown, b + 3);
	return rows_say(result, claim, secmem_equal(expected, came, n),
	    from ? a : a + 3, from ? b : b + 3);
}

bool
rows_listed(struct appraise_result *result, const char *claim,
    const struct rows_list *list, const char *came)
{
	char expected[sizeof(result->rows[0].expected)];
	bool ok = !list->given;
	unsigned i;

	if (!list->given)
		(void)snprintf(expected, sizeof(expected), "anything");
	else if (!list->n)
		(void)snprintf(expected, sizeof(expected), "nothing");
	else if (list->n == 1)
		(void)snprintf(
		    expected, sizeof(expected), "%s", list->value[0]);
	else
		(void)snprintf(expected, sizeof(expected),
		    "one of %u values, the first %s", list->n, list->value[0]);
	for (i = 0; i < list->n && !ok; i++)
		ok = strcmp(list->value[i], came) == 0;
	return rows_say(result, claim, ok, expected, came);
}

bool
rows_listed_hex(struct appraise_result *result, const char *claim,
    const struct rows_list *list, const uint8_t *came, size_t n)
{
	char text[2 * HEX_MAX + 1];

	if (n > HEX_MAX)
		return rows_say(
		    result, claim, false, "at most 64 bytes", "more bytes");
	rows_hex(came, n, text);
	return rows_listed(result, claim, list, text);
}

bool
rows_least(struct appraise_result *result, const char *claim, uint64_t least,
    uint64_t came)
{
	char expected[40];

	(void)snprintf(expected, sizeof(expected), "at least %" PRIu64, least);
	return rows_sayf(
	    result, claim, came >= least, expected, "%" PRIu64, came);
}

bool
rows_all_ok(const struct appraise_result *result)
{
	unsigned i;

	for (i = 0; i < result->nrows; i++)
		if (!result->rows[i].ok)
			return false;
	return true;
}

bool
rows_held(const struct appraise_result *result, const char *claim)
{
	bool held = false;
	unsigned i;

	for (i = 0; i < result->nrows; i++) {
		if (strcmp(result->rows[i].claim, claim) != 0)
			continue;
		if (!result->rows[i].ok)
			return false;
		held = true;
	}
	return held;
}
