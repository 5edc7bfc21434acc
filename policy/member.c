#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/member.h"

static bool
is_value(const char *s, size_t bytes, size_t text_max)
{
	size_t n = s ? strlen(s) : 0;

	if (bytes)
		return n == 2 * bytes && strspn(s, "0123456789abcdef") == n;
	return n > 0 && n <= text_max;
}

int
member_list(const json_t *o, const char *key, size_t bytes, size_t text_max,
    struct rows_list *list)
{
	const json_t *a = json_object_get(o, key), *item;
	const char *s;
	size_t i;

	if (!a)
		return CL_OK;
	if (!json_is_array(a) || json_array_size(a) > ROWS_LIST_MAX)
		return json_blame(key);
	json_array_foreach((json_t *)(uintptr_t)a, i, item)
	{
		s = json_string_value(item);
		if (!is_value(s, bytes, text_max))
			return json_blame(key);
		list->value[list->n++] = s;
	}
	list->given = true;
	return CL_OK;
}

int
member_number(
    const json_t *o, const char *key, int64_t min, int64_t max, uint32_t *v)
{
	int64_t got;
	int r;

	if (!json_object_get(o, key))
		return CL_OK;
	if ((r = json_get_int(o, key, min, max, &got)) == 0)
		*v = (uint32_t)got;
	return r;
}

int
member_flag(const json_t *o, const char *key, bool *v)
{
	return json_object_get(o, key) ? json_get_bool(o, key, v) : CL_OK;
}

int
member_mask(const json_t *o, const char *key, size_t digits, uint64_t *v)
{
	const char *s;
	size_t n;
	int r;

	if (!json_object_get(o, key))
		return CL_OK;
	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	n = strlen(s);
	if (n < 3 || n > 2 + digits || strncmp(s, "0x", 2) != 0 ||
	    strspn(s + 2, "0123456789abcdefABCDEF") != n - 2)
		return json_blame(key);
	*v = strtoull(s + 2, NULL, 16);
	return CL_OK;
}

int
member_version(const json_t *o, const char *key, uint32_t *v)
{
	const char *s;
	unsigned major, minor;
	int r, end = -1;

	if (!json_object_get(o, key))
		return CL_OK;
	if ((r = json_get_str(o, key, &s)) != 0)
		return r;
	if (strspn(s, "0123456789.") != strlen(s) ||
	    sscanf(s, "%3u.%3u%n", &major, &minor, &end) != 2 || end < 0 ||
	    s[end] || major > 255 || minor > 255)
		return json_blame(key);
	*v = major << 8 | minor;
	return CL_OK;
}
