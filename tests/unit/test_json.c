/* lib/json: text that must be refused, then members, then UUIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/secmem.h"

static json_t *
parse(const char *text, int *err)
{
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1);
	json_t *j;

	assert_non_null(exact);
	memcpy(exact, text, n);
	j = json_parse(exact, n, err);
	free(exact);
	return j;
}

static void
malformed_text_is_refused(void **state)
{
	static const char *const bad[] = {"", " ", "{", "}", "{]", "[}",
	    "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1}x", "{\"a\":1}{}",
	    "{a:1}", "{'a':1}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}",
	    "{\"a\":9223372036854775808}", "{\"a\":NaN}", "{\"a\":1e999}",
	    "{\"a\":\"\\x\"}", "{\"a\":\"\\u0000\"}", "{\"a\\u0000b\":1}",
	    "{\"a\":\"\\ud800\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}",
	    "{\"a\":\"\n\"}", "{\"a\":1,\"a\":1}", "{\"a\":{\"b\":1,\"b\":2}}",
	    "\xef\xbb\xbf{}", "// c\n{}", "{\"a\":tru}", "{\"a\":True}"};
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = 0;
		if (parse(bad[i], &err))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err, CL_ERR_FORMAT);
	}
	assert_null(json_parse("{\"a\":\"x\0y\"}", 11, &err));
	assert_int_equal(err, CL_ERR_FORMAT);
	assert_null(json_parse("{}\0", 3, &err));
	assert_int_equal(err, CL_ERR_FORMAT);
}

static void
one_level_too_deep_is_refused(void **state)
{
	char text[64];
	unsigned depth;
	json_t *j;
	int err;

	(void)state;
	for (depth = 15; depth <= 17; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		text[2 * depth] = '\0';
		j = parse(text, &err);
		assert_int_equal(err, depth <= 16 ? CL_OK : CL_ERR_LIMIT);
		json_decref(j);
	}
	/* Brackets in strings are no levels. */
	j = parse("[\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[\"]", &err);
	assert_non_null(j);
	json_decref(j);
}

/* A million brackets must not reach the recursive parser. */
static void
depth_is_found_before_the_parser(void **state)
{
	size_t n = 1 << 20;
	char *text = malloc(n);
	int err;

	(void)state;
	assert_non_null(text);
	memset(text, '[', n);
	assert_null(json_parse(text, n, &err));
	assert_int_equal(err, CL_ERR_LIMIT);
	free(text);
}

static const char sample[] =
    "{\"s\":\"text\",\"i\":5,\"r\":5.0,\"t\":true,\"n\":null,\"big\":"
    "9223372036854775807,\"small\":-9223372036854775808,\"b\":\"AQID\","
    "\"e\":\"\",\"two\":\"AQI\",\"u\":"
    "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"o\":{},\"a\":[]}";

/* A getter of one type, applied to each member. */
static int
get_as(const json_t *o, char type, const char *key)
{
	uint8_t bytes[16];
	const char *s;
	int64_t i;
	size_t n;
	bool b;

	switch (type) {
	case 's':
		return json_get_str(o, key, &s);
	case 'i':
		return json_get_int(o, key, INT64_MIN, INT64_MAX, &i);
	case 't':
		return json_get_bool(o, key, &b);
	case 'b':
		return json_get_blob(o, key, bytes, 3, &n);
	case '3':
		return json_get_bytes(o, key, bytes, 3);
	default:
		return json_get_uuid(o, key, bytes);
	}
}

static void
wrong_types_are_refused_by_name(void **state)
{
	static const char *const keys[] = {"s", "i", "r", "t", "n", "big",
	    "small", "b", "e", "two", "u", "o", "a", "absent"};
	static const struct {
		char type;
		const char *good; /* keys that have it, blank separated */
	} kinds[] = {
	    {'s', " s b e two u "},
	    {'i', " i big small "},
	    {'t', " t "},
	    {'b', " s b e two "}, /* "text" is base64url of three bytes */
	    {'3', " s b "},
	    {'u', " u "},
	};
	char blank[16];
	json_t *o;
	size_t i, k;
	int err;

	(void)state;
	o = parse(sample, &err);
	assert_non_null(o);
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			snprintf(blank, sizeof(blank), " %s ", keys[i]);
			if (strstr(kinds[k].good, blank)) {
				assert_int_equal(
				    get_as(o, kinds[k].type, keys[i]), CL_OK);
				continue;
			}
			if (get_as(o, kinds[k].type, keys[i]) != CL_ERR_FORMAT)
				fail_msg("%s as %c", keys[i], kinds[k].type);
			assert_string_equal(json_why(), keys[i]);
		}
	json_decref(o);
}

static void
no_object_has_no_members(void **state)
{
	json_t *array;
	int64_t i;
	int err;

	(void)state;
	array = parse("[1]", &err);
	assert_int_equal(json_get_int(array, "a", 0, 9, &i), CL_ERR_FORMAT);
	assert_int_equal(json_get_int(NULL, "a", 0, 9, &i), CL_ERR_FORMAT);
	json_decref(array);
}

static void
numbers_keep_their_range(void **state)
{
	json_t *o;
	int64_t v = 0;
	int err;

	(void)state;
	o = parse("{\"i\":5}", &err);
	assert_int_equal(json_get_int(o, "i", 6, 9, &v), CL_ERR_FORMAT);
	assert_int_equal(json_get_int(o, "i", 0, 4, &v), CL_ERR_FORMAT);
	assert_int_equal(v, 0);
	assert_int_equal(json_get_int(o, "i", 5, 5, &v), CL_OK);
	assert_int_equal(v, 5);
	json_decref(o);
}

static void
blobs_keep_their_capacity(void **state)
{
	uint8_t out[4] = {9, 9, 9, 9};
	json_t *o;
	size_t n;
	int err;

	(void)state;
	o = parse("{\"b\":\"AQID\"}", &err);
	assert_int_equal(json_get_blob(o, "b", out, 2, &n), CL_ERR_FORMAT);
	assert_int_equal(json_get_bytes(o, "b", out, 2), CL_ERR_FORMAT);
	assert_int_equal(json_get_bytes(o, "b", out, 4), CL_ERR_FORMAT);
	assert_int_equal(json_get_blob(o, "b", out, 4, &n), CL_OK);
	assert_int_equal(n, 3);
	assert_memory_equal(out, "\1\2\3", 3);
	json_decref(o);
}

static void
strangers_are_named(void **state)
{
	static const char *const known[] = {"a", "b", NULL};
	json_t *o;
	int err;

	(void)state;
	o = parse("{\"a\":1,\"stranger\":2}", &err);
	assert_int_equal(json_only(o, known), CL_ERR_FORMAT);
	assert_string_equal(json_why(), "stranger");
	json_decref(o);
	o = parse("{\"b\":1}", &err);
	assert_int_equal(json_only(o, known), CL_OK);
	json_decref(o);
	o = parse("[]", &err);
	assert_int_equal(json_only(o, known), CL_ERR_FORMAT);
	json_decref(o);
}

static void
text_is_canonical_and_comes_back(void **state)
{
	uint8_t bytes[3] = {1, 2, 3}, uuid[16];
	json_t *o;
	char *text;
	size_t n;
	int err;

	(void)state;
	o = parse("{ \"z\" : 1, \"a\" : [ true, null, \"\xc3\xa4\" ] }", &err);
	assert_non_null(o);
	assert_int_equal(json_set_blob(o, "b", bytes, 3), CL_OK);
	assert_int_equal(
	    uuid_parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8", uuid), CL_OK);
	assert_int_equal(json_set_uuid(o, "u", uuid), CL_OK);
	text = json_text(o, &n);
	assert_string_equal(text,
	    "{\"a\":[true,null,\"\xc3\xa4\"],\"b\":\"AQID\",\"u\":"
	    "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"z\":1}");
	assert_int_equal(n, strlen(text));
	json_decref(o);
	o = parse(text, &err);
	assert_non_null(o);
	json_decref(o);
	secmem_free(text);
}

static void
long_text_is_whole(void **state)
{
	size_t n = 100000, got;
	char *s = calloc(1, n + 1), *text;
	json_t *j;

	(void)state;
	assert_non_null(s);
	memset(s, 'x', n);
	j = json_string(s);
	text = json_text(j, &got);
	assert_int_equal(got, n + 2);
	assert_memory_equal(text + 1, s, n);
	secmem_free(text);
	json_decref(j);
	free(s);
}

static void
other_spellings_of_a_uuid_are_refused(void **state)
{
	static const char *const bad[] = {"",
	    "6BA7B810-9dad-11d1-80b4-00c04fd430c8",
	    "6ba7b8109dad11d180b400c04fd430c8",
	    "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
	    "6ba7b810-9dad-11d1-80b4-00c04fd430c",
	    "6ba7b810-9dad-11d1-80b4-00c04fd430c88",
	    "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
	    "6ba7b81-09dad-11d1-80b4-00c04fd430c8",
	    "6ba7b810-9dad-11d1-80b4-00c04fd430 8"};
	uint8_t uuid[16];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(uuid_parse(bad[i], uuid), CL_ERR_FORMAT);
}

static void
random_uuids_are_version_4(void **state)
{
	uint8_t uuid[16], back[16];
	char text[UUID_TEXT];
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_int_equal(uuid_random(uuid), CL_OK);
		uuid_text(uuid, text);
		assert_int_equal(text[14], '4');
		assert_non_null(strchr("89ab", text[19]));
		assert_int_equal(uuid_parse(text, back), CL_OK);
		assert_memory_equal(uuid, back, 16);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed_text_is_refused),
	    cmocka_unit_test(one_level_too_deep_is_refused),
	    cmocka_unit_test(depth_is_found_before_the_parser),
	    cmocka_unit_test(wrong_types_are_refused_by_name),
	    cmocka_unit_test(no_object_has_no_members),
	    cmocka_unit_test(numbers_keep_their_range),
	    cmocka_unit_test(blobs_keep_their_capacity),
	    cmocka_unit_test(strangers_are_named),
	    cmocka_unit_test(text_is_canonical_and_comes_back),
	    cmocka_unit_test(long_text_is_whole),
	    cmocka_unit_test(other_spellings_of_a_uuid_are_refused),
	    cmocka_unit_test(random_uuids_are_version_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
