/* tde/like: against a plain recursive matcher on all short strings, and the
 * corners that PostgreSQL's manual and source name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tde/like.h"
#include "tde/utf8.h"

static int
run(const char *text, const char *pattern, uint32_t escape, bool fold)
{
	struct like l = {.fold = fold};
	uint64_t fuel = 1000000;
	/* exact copies, so that a sanitizer sees a byte too many */
	size_t tn = strlen(text), pn = strlen(pattern);
	uint8_t *t = malloc(tn + 1), *p = malloc(pn + 1);
	bool match = false;
	int r;

	t = realloc(memcpy(t, text, tn + 1), tn ? tn : 1);
	p = realloc(memcpy(p, pattern, pn + 1), pn ? pn : 1);
	l.pattern = p;
	l.pattern_n = pn;
	l.escape_n = utf8_put(escape, l.escape);
	r = like_match(&l, t, tn, &fuel, &match);
	free(t);
	free(p);
	return r == CL_OK ? match : r;
}

static void
is(const char *text, const char *pattern, int want)
{
	int got = run(text, pattern, '\\', false);

	if (got != want)
		fail_msg("'%s' like '%s': %d", text, pattern, got);
}

static void
test_basics(void **state)
{
	(void)state;
	is("abc", "abc", 1);
	is("abc", "a%", 1);
	is("abc", "_b_", 1);
	is("abc", "c", 0);
	is("", "", 1);
	is("", "%", 1);
	is("", "%%%", 1);
	is("", "_", 0);
	is("a", "", 0);
	is("abc", "%_%_%_%", 1);
	is("ab", "%_%_%_%", 0);
	is("abcabd", "%ab_", 1);
	is("aab", "%ab", 1);
	is("mississippi", "m%iss%ip%i", 1);
	is("mississippi", "m%iss%ipp", 0);
}

static void
test_characters_not_bytes(void **state)
{
	(void)state;
	is("\xc3\xa9", "_", 1);
	is("\xc3\xa9", "__", 0);
	is("\xf0\x9f\x98\x80", "_", 1);
	is("a\xe2\x82\xac"
	   "b",
	    "a_b", 1);
	is("\xe2\x82\xac\xe2\x82\xad", "%\xe2\x82\xad", 1);
	is("\xe2\x82\xac", "%\xe2\x82\xad", 0);
	is("x\xc3\xa9", "%_", 1);
	is("\xc3\xa9", "%__", 0);
	is("\xe2\x82\xac", "_%__", 0);
	is("a\xf0\x9f\x98\x80", "%___", 0);
	/* half a character is no character: '\xa9' is the end of both */
	is("\xc2\xa9", "\xc3\xa9", 0);
}

static void
test_escape(void **state)
{
	(void)state;
	is("%", "\\%", 1);
	is("a", "\\%", 0);
	is("_", "\\_", 1);
	is("\\", "\\\\", 1);
	is("a", "\\a", 1);
	is("10%", "%\\%", 1);
	is("abc", "%\\c", 1);
	assert_int_equal(run("%", "!%", '!', false), 1);
	assert_int_equal(run("!", "!!", '!', false), 1);
	assert_int_equal(run("\\x", "\\_", '!', false), 1);
	assert_int_equal(run("\\", "\\", 0, false), 1); /* none at all */
	assert_int_equal(run("%", "\\%", 0, false), 0);
	assert_int_equal(run("%", "%%", '%', false), 1);
	assert_int_equal(run("a", "%%", '%', false), 0);
	assert_int_equal(run("_", "__", '_', false), 1);
	assert_int_equal(run("%", "\xc3\xa9%", 0xe9, false), 1);
	assert_int_equal(run("x", "\xc3\xa9%", 0xe9, false), 0);
	assert_int_equal(run("\xc3\xa9", "\xc3\xa9\xc3\xa9", 0xe9, false), 1);
}

/* An error only where matching gets there, as PostgreSQL has it. */
static void
test_escape_at_the_end(void **state)
{
	(void)state;
	is("a", "\\", CL_ERR_ESCAPE);
	is("ab", "a\\", CL_ERR_ESCAPE);
	is("a", "%\\", CL_ERR_ESCAPE);
	is("a", "_%\\", 0);
	is("ab", "_%\\", CL_ERR_ESCAPE);
	is("", "\\", 0);
	is("a", "a\\", 0); /* the text ends before it */
	is("b", "a\\", 0); /* differs before it */
	is("b", "b%\\", 0);
	is("bc", "b%\\", CL_ERR_ESCAPE);
}

static void
test_fold(void **state)
{
	(void)state;
	assert_int_equal(run("ABC", "a_c", '\\', true), 1);
	assert_int_equal(run("abc", "%BC", '\\', true), 1);
	assert_int_equal(run("abc", "%BC", '\\', false), 0);
	/* ASCII only */
	assert_int_equal(run("\xc3\x89", "\xc3\xa9", '\\', true), 0);
	assert_int_equal(run("[", "{", '\\', true), 0);
	assert_int_equal(run("@", "`", '\\', true), 0);
	/* the escape character itself is not folded */
	assert_int_equal(run("a%", "AA%", 'A', true), 1);
	assert_int_equal(run("Aa", "aa%", 'A', true), 1);
	assert_int_equal(run("Aa", "aA%", 'A', true), 0);
	assert_int_equal(run("a%", "aA%", 'A', true), 1);
}

static void
test_fuel(void **state)
{
	struct like l = {(const uint8_t *)"%_aab", 5, {'\\'}, 1, false};
	uint8_t text[1000];
	uint64_t fuel = 100;
	bool match;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(
	    like_match(&l, text, sizeof(text), &fuel, &match), CL_ERR_LIMIT);
	assert_int_equal(fuel, 0);
	fuel = 100000;
	assert_int_equal(
	    like_match(&l, text, sizeof(text), &fuel, &match), CL_OK);
	assert_false(match);
	assert_true(fuel > 0 && fuel < 100000);
}

/* No escapes; straight from the definition. */
static bool
simple(const char *t, const char *p)
{
	if (*p == '\0')
		return *t == '\0';
	if (*p == '%')
		return simple(t, p + 1) || (*t && simple(t + 1, p));
	return *t && (*p == '_' || *p == *t) && simple(t + 1, p + 1);
}

static void
spell(unsigned n, const char *letters, char *out)
{
	unsigned base = (unsigned)strlen(letters);

	for (; n; n = (n - 1) / base)
		*out++ = letters[(n - 1) % base];
	*out = '\0';
}

static void
test_all_short_strings(void **state)
{
	char text[16], pattern[16];
	unsigned i, k;

	(void)state;
	for (i = 0; i < 127; i++)	     /* a, b up to six */
		for (k = 0; k < 1365; k++) { /* a, b, %, _ up to five */
			spell(i, "ab", text);
			spell(k, "ab%_", pattern);
			if (run(text, pattern, '\\', false) !=
			    simple(text, pattern))
				fail_msg("'%s' like '%s'", text, pattern);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_basics),
	    cmocka_unit_test(test_characters_not_bytes),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_escape_at_the_end),
	    cmocka_unit_test(test_fold),
	    cmocka_unit_test(test_fuel),
	    cmocka_unit_test(test_all_short_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
