/* b64_decode, b64url_decode, b64_encode, b64url_encode, uuid_parse,
 * uuid_text: what is decoded has one spelling only */
#include "fuzz.h"
#include "lib/b64.h"
#include "lib/json.h"

static void
once(const uint8_t *p, size_t n, int url)
{
	uint8_t *out = malloc(n + 1);
	size_t len = n;
	char *text;

	fuzz_holds(out);
	if ((url ? b64url_decode((const char *)p, n, out, &len)
		 : b64_decode((const char *)p, n, out, &len)) == 0) {
		fuzz_holds((url ? b64url_len(len) : b64_len(len)) == n);
		fuzz_holds((text = malloc(n + 1)));
		if (url)
			b64url_encode(out, len, text);
		else
			b64_encode(out, len, text);
		fuzz_holds(memcmp(text, p, n) == 0);
		free(text);
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = calloc(1, n + 1), again[UUID_TEXT];
	uint8_t uuid[16];

	fuzz_holds(text);
	if (n)
		memcpy(text, p, n);
	if (uuid_parse(text, uuid) == 0) {
		uuid_text(uuid, again);
		fuzz_holds(strcmp(text, again) == 0);
	}
	free(text);
	once(p, n, 0);
	once(p, n, 1);
	return 0;
}
