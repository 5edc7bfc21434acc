#include "client/floor.h"
#include "client/why.h"
#include "lib/json.h"
#include "lib/secmem.h"

static int
check(const json_t *floor)
{
	const json_t *groups = json_object_get(floor, "groups"), *v;
	const char *key;
	uint8_t uuid[16];
	int64_t brl;

	if (!json_is_object(groups))
		return CL_ERR_FORMAT;
	json_object_foreach((json_t *)groups, key,
	    v) if (uuid_parse(key, uuid) != 0 || !json_is_integer(v) ||
		   json_integer_value(v) < 1 ||
		   json_integer_value(v) > UINT32_MAX) return CL_ERR_FORMAT;
	return json_get_int(floor, "brl", 0, INT64_MAX, &brl);
}

int
floor_load(const struct home *h, json_t **floor)
{
	uint8_t *text = NULL;
	json_t *o;
	size_t n;
	int r;

	*floor = NULL;
	if ((r = home_read(h, "floor.json", &text, &n)) != 0)
		return r;
	o = json_parse((char *)text, n, &r);
	secmem_free(text);
	if (o && (r = check(o)) == 0) {
		*floor = o; /* transferred */
		return CL_OK;
	}
	json_decref(o);
	return why_set(r,
	    "%s/floor.json is damaged; restore it from your "
	    "backup",
	    h->path);
}

uint32_t
floor_version(const json_t *floor, const uint8_t group[16])
{
	char key[UUID_TEXT];

	uuid_text(group, key);
	return (uint32_t)json_integer_value(
	    json_object_get(json_object_get(floor, "groups"), key));
}

static int
store(const struct home *h, const json_t *floor)
{
	size_t n;
	char *text = json_text(floor, &n);
	int r = text ? home_write(h, "floor.json", text, n) : why_memory();

	secmem_free(text);
	return r;
}

int
floor_raise(const struct home *h, const uint8_t group[16], uint32_t version)
{
	char key[UUID_TEXT];
	json_t *floor;
	int r;

	if ((r = floor_load(h, &floor)) != 0)
		return r;
	uuid_text(group, key);
	if (floor_version(floor, group) >= version)
		r = CL_OK;
	else if (json_object_set_new(json_object_get(floor, "groups"), key,
		     json_integer(version)) != 0)
		r = why_memory();
	else
		r = store(h, floor);
	json_decref(floor);
	return r;
}
