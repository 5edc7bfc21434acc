/* json_parse, json_text, json_get_str, json_get_int, json_get_bool,
 * json_get_bytes, json_get_blob, json_get_uuid, json_only */
#include "fuzz.h"
#include "lib/json.h"
#include "lib/secmem.h"

static void
members(const json_t *o)
{
	static const char *const known[] = {"v", "op", NULL};
	uint8_t out[64], uuid[16];
	const char *key, *s;
	size_t len;
	int64_t i;
	bool b;

	for (key = json_object_iter_key(json_object_iter((json_t *)o)); key;
	     key = NULL) {
		int ok = json_get_str(o, key, &s) == 0;

		ok += json_get_int(o, key, -10, 10, &i) == 0;
		ok += json_get_bool(o, key, &b) == 0;
		fuzz_holds(ok <= 1);
		if (json_get_bytes(o, key, out, 16) != 0 &&
		    json_get_blob(o, key, out, sizeof(out), &len) != 0 &&
		    json_get_uuid(o, key, uuid) != 0)
			fuzz_holds(json_why());
	}
	if (json_only(o, known) != 0)
		fuzz_holds(json_why());
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_t *a, *b;
	char *text;
	size_t len;
	int err = 0;

	if (!(a = json_parse((const char *)p, n, &err))) {
		fuzz_holds(err < 0);
		return 0;
	}
	if (json_is_object(a))
		members(a);
	fuzz_holds((text = json_text(a, &len)));
	fuzz_holds((b = json_parse(text, len, &err)));
	fuzz_holds(json_equal(a, b));
	secmem_free(text);
	json_decref(a);
	json_decref(b);
	return 0;
}
