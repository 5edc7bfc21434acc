#include <string.h>
#include <strings.h>

#include "tde/numtext.h"

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void
numtext_trim(const char **text, size_t *n)
{
	while (*n && is_space((*text)[0])) {
		(*text)++;
		(*n)--;
	}
	while (*n && is_space((*text)[*n - 1]))
		(*n)--;
}

/* text is a non-empty beginning of word, in any case. */
static bool
begins(const char *word, const char *text, size_t n)
{
	return n && n <= strlen(word) && strncasecmp(word, text, n) == 0;
}

int
numtext_bool(const char *text, size_t n, bool *v)
{
	numtext_trim(&text, &n);
	if (begins("true", text, n) || begins("yes", text, n) ||
	    begins("1", text, n) || (n == 2 && begins("on", text, n)))
		*v = true;
	else if (begins("false", text, n) || begins("no", text, n) ||
		 begins("0", text, n) || (n >= 2 && begins("off", text, n)))
		*v = false;
	else
		return CL_ERR_TEXT;
	return CL_OK;
}

int
numtext_int(const char *text, size_t n, int64_t min, int64_t max, int64_t *v)
{
	bool negative = false;
	int64_t sum = 0;
	size_t i;

	numtext_trim(&text, &n);
	if (n && (text[0] == '-' || text[0] == '+')) {
		negative = text[0] == '-';
		text++;
		n--;
	}
	if (n == 0)
		return CL_ERR_TEXT;
	/* Digits are taken off, not added: the range is larger below zero. */
	for (i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_sub_overflow(sum, text[i] - '0', &sum) ||
		    sum < min)
			return CL_ERR_OVERFLOW;
	if (i < n)
		return CL_ERR_TEXT;
	if (!negative && (sum == INT64_MIN || -sum > max))
		return CL_ERR_OVERFLOW;
	*v = negative ? sum : -sum;
	return CL_OK;
}

size_t
numtext_print_int(int64_t v, char out[NUMTEXT_MAX])
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char digits[20];
	size_t n = 0, at = 0;

	do
		digits[n++] = (char)('0' + u % 10);
	while ((u /= 10) != 0);
	if (v < 0)
		out[at++] = '-';
	while (n)
		out[at++] = digits[--n];
	return at;
}
