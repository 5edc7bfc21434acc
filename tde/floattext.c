#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/secmem.h"
#include "tde/floattext.h"
#include "tde/numtext.h"

#define NUMBER_STACK 128u /* longer numbers are copied to the heap */
#define EXACT_DIGITS 800  /* of any middle between two doubles: at most 768 */

static int
convert_float8(const char *z, char **end, void *v)
{
	double d = strtod(z, end);

	memcpy(v, &d, sizeof(d));
	return errno == ERANGE && (d == 0 || isinf(d));
}

static int
convert_float4(const char *z, char **end, void *v)
{
	float f = strtof(z, end);

	memcpy(v, &f, sizeof(f));
	return errno == ERANGE && (f == 0 || isinf(f));
}

/* strtod wants a NUL and text has none. */
static int
parse_float(const char *text, size_t n,
    int (*convert)(const char *, char **, void *), void *v)
{
	char small[NUMBER_STACK], *z = small, *end;
	int r = CL_OK;

	numtext_trim(&text, &n);
	if (n == 0)
		return CL_ERR_TEXT;
	if (n >= sizeof(small) && (z = secmem_alloc(n + 1)) == NULL)
		return CL_ERR_MEMORY;
	memcpy(z, text, n);
	z[n] = '\0';
	errno = 0;
	if (convert(z, &end, v) != 0)
		r = CL_ERR_OVERFLOW;
	else if (end != z + n)
		r = CL_ERR_TEXT;
	if (z == small)
		secmem_wipe(small, n);
	else
		secmem_free(z);
	return r;
}

int
floattext_parse4(const char *text, size_t n, float *v)
{
	return parse_float(text, n, convert_float4, v);
}

int
floattext_parse8(const char *text, size_t n, double *v)
{
	return parse_float(text, n, convert_float8, v);
}

/* digits[0].digits[1..] times ten to the exp. */
struct decimal {
	char digits[20];
	int n;
	int exp;
};

static double
next_up(double v, bool single)
{
	return single ? (double)nextafterf((float)v, INFINITY)
		      : nextafter(v, INFINITY);
}

static double
next_down(double v, bool single)
{
	return single ? (double)nextafterf((float)v, 0) : nextafter(v, 0);
}

/* v > 0, rounded to n digits. */
static void
round_to(double v, int n, struct decimal *d)
{
	char text[40];

	snprintf(text, sizeof(text), "%.*e", n - 1, v);
	d->digits[0] = text[0];
	if (n > 1)
		memcpy(d->digits + 1, text + 2, (size_t)n - 1);
	d->n = n;
	d->exp = atoi(strchr(text, 'e') + 1);
}

/* The next larger number of as many digits. */
static void
step_up(struct decimal *d)
{
	int i = d->n - 1;

	while (i >= 0 && d->digits[i] == '9')
		d->digits[i--] = '0';
	if (i >= 0) {
		d->digits[i]++;
	} else {
		d->digits[0] = '1';
		d->exp++;
	}
}

static void
to_text(const struct decimal *d, char text[40])
{
	snprintf(text, 40, "%.*se%d", d->n, d->digits, d->exp - d->n + 1);
}

/* d is exactly m, all digits of which are looked at. */
static bool
equals(const struct decimal *d, long double m)
{
	char text[EXACT_DIGITS + 16];
	size_t rest;

	snprintf(text, sizeof(text), "%.*Le", EXACT_DIGITS, m);
	if (atoi(strchr(text, 'e') + 1) != d->exp || text[0] != d->digits[0] ||
	    memcmp(text + 2, d->digits + 1, (size_t)d->n - 1) != 0)
		return false;
	rest = strspn(text + 1 + d->n, "0");
	return text[1 + d->n + rest] == 'e';
}

/* Half way to the neighbours; a long double holds these exactly. */
static long double
middle_below(double v, bool single)
{
	long double next = next_down(v, single);

	return next + (v - next) / 2;
}

static long double
middle_above(double v, bool single)
{
	long double next = next_up(v, single);

	return isinf(next) ? v + (v - middle_below(v, single))
			   : v + (next - v) / 2;
}

/* d reads back as v whatever the reader does with ties: it lies strictly
 * between the middles. */
static bool
inside(const struct decimal *d, double v, bool single)
{
	char text[40];
	long double at;

	to_text(d, text);
	at = strtold(text, NULL);
	if ((single ? strtof(text, NULL) : strtod(text, NULL)) != v)
		return false;
	if (at == middle_below(v, single) || at == middle_above(v, single))
		return !equals(d, at);
	return true;
}

/* v > 0 and finite. Around a power of two the gap below is half of the one
 * above, so that the closest decimal may be out and the next one in. */
static void
shortest(double v, bool single, struct decimal *d)
{
	int n, most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;

	if (v < (single ? FLT_MIN : DBL_MIN))
		n = 1;
	else
		n = single ? FLT_DIG : DBL_DIG;
	for (; n < most; n++) {
		round_to(v, n, d);
		if (inside(d, v, single))
			break;
		step_up(d);
		if (inside(d, v, single))
			break;
	}
	if (n == most)
		round_to(v, n, d);
	while (d->n > 1 && d->digits[d->n - 1] == '0')
		d->n--;
}

static size_t
print_exponent(const struct decimal *d, char *out)
{
	size_t at = 0;

	out[at++] = d->digits[0];
	if (d->n > 1) {
		out[at++] = '.';
		memcpy(out + at, d->digits + 1, (size_t)d->n - 1);
		at += (size_t)d->n - 1;
	}
	return at + (size_t)snprintf(out + at, 8, "e%+03d", d->exp);
}

static size_t
print_fixed(const struct decimal *d, char *out)
{
	size_t at = 0;
	int i;

	if (d->exp < 0) {
		out[at++] = '0';
		out[at++] = '.';
		for (i = -1; i > d->exp; i--)
			out[at++] = '0';
	}
	for (i = 0; i < d->n || i <= d->exp; i++) {
		if (d->exp >= 0 && i == d->exp + 1)
			out[at++] = '.';
		out[at++] = i < d->n ? d->digits[i] : '0';
	}
	return at;
}

static size_t
print_float(double v, bool single, int fixed, char *out)
{
	struct decimal d;
	size_t at = 0;

	if (isnan(v)) {
		memcpy(out, "NaN", 3);
		return 3;
	}
	if (signbit(v))
		out[at++] = '-';
	v = fabs(v);
	if (isinf(v)) {
		memcpy(out + at, "Infinity", 8);
		return at + 8;
	}
	if (v == 0) {
		out[at++] = '0';
		return at;
	}
	shortest(v, single, &d);
	if (d.exp >= -4 && d.exp < fixed)
		at += print_fixed(&d, out + at);
	else
		at += print_exponent(&d, out + at);
	secmem_wipe(&d, sizeof(d));
	return at;
}

size_t
floattext_print4(float v, char out[FLOATTEXT_MAX])
{
	return print_float(v, true, FLT_DIG, out);
}

size_t
floattext_print8(double v, char out[FLOATTEXT_MAX])
{
	return print_float(v, false, DBL_DIG, out);
}
