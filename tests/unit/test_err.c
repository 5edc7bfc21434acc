/* lib/err: numbers are wire format, so they are checked against literals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/err.h"

static const int codes[] = {
#define CODE(name, number, state, text) CL_ERR_##name,
    CL_ERR_LIST(CODE)
#undef CODE
};
#define NCODES (sizeof(codes) / sizeof(codes[0]))

static void
unknown_codes_have_texts(void **state)
{
	static const int odd[] = {1, 50, -10000, INT32_MIN, INT32_MAX};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		assert_string_equal(err_text(odd[i]), "unknown error");
		assert_string_equal(err_name(odd[i]), "UNKNOWN");
		assert_string_equal(err_sqlstate(odd[i]), "XX000");
		assert_int_equal(err_to_wire(odd[i]), 1);
	}
}

static void
unknown_wire_numbers_are_internal(void **state)
{
	unsigned w, known = 0;

	(void)state;
	assert_int_equal(err_from_wire(UINT32_MAX), CL_ERR_INTERNAL);
	assert_int_equal(err_from_wire(0x80000000u), CL_ERR_INTERNAL);
	assert_int_equal(err_from_wire(0x10001u), CL_ERR_INTERNAL);
	for (w = 2; w <= 0xffff; w++)
		if (err_from_wire(w) != CL_ERR_INTERNAL) {
			assert_int_equal(err_from_wire(w), -(int)w);
			known++;
		}
	assert_int_equal(known, NCODES - 1); /* all but INTERNAL itself */
}

static void
every_code_survives_the_wire(void **state)
{
	size_t i;

	(void)state;
	assert_int_equal(err_to_wire(CL_OK), 0);
	assert_int_equal(err_from_wire(0), CL_OK);
	for (i = 0; i < NCODES; i++) {
		assert_true(codes[i] < 0);
		assert_int_equal(
		    err_from_wire(err_to_wire(codes[i])), codes[i]);
	}
}

static void
names_and_numbers_are_unique(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < NCODES; i++)
		for (j = 0; j < i; j++) {
			assert_int_not_equal(codes[i], codes[j]);
			assert_string_not_equal(
			    err_name(codes[i]), err_name(codes[j]));
			assert_string_not_equal(
			    err_text(codes[i]), err_text(codes[j]));
		}
}

static void
sqlstates_have_five_characters(void **state)
{
	const char *s;
	size_t i;

	(void)state;
	for (i = 0; i < NCODES; i++) {
		s = err_sqlstate(codes[i]);
		assert_int_equal(strlen(s), 5);
		assert_int_equal(
		    strspn(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 5);
	}
}

static void
published_numbers_stay(void **state)
{
	(void)state;
	assert_int_equal(CL_ERR_INTERNAL, -1);
	assert_int_equal(CL_ERR_TOO_LARGE, -6);
	assert_int_equal(CL_ERR_BAD_CELL, -17);
	assert_int_equal(CL_ERR_NO_SESSION, -20);
	assert_int_equal(CL_ERR_NEED_GROUP, -23);
	assert_int_equal(CL_ERR_REFUSED, -24);
	assert_int_equal(CL_ERR_OVERFLOW, -30);
	assert_int_equal(CL_ERR_DIVISION, -31);
	assert_int_equal(CL_ERR_PEER, -50);
	assert_string_equal(err_name(CL_ERR_OVERFLOW), "OVERFLOW");
	assert_string_equal(err_sqlstate(CL_ERR_OVERFLOW), "22003");
	assert_string_equal(err_sqlstate(CL_ERR_NO_SESSION), "28000");
	assert_string_equal(err_name(CL_OK), "OK");
	assert_string_equal(err_text(CL_OK), "no error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unknown_codes_have_texts),
	    cmocka_unit_test(unknown_wire_numbers_are_internal),
	    cmocka_unit_test(every_code_survives_the_wire),
	    cmocka_unit_test(names_and_numbers_are_unique),
	    cmocka_unit_test(sqlstates_have_five_characters),
	    cmocka_unit_test(published_numbers_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
