/* message_peek, message_open (key: 32 bytes of 7), message_reply_open */
#include "fuzz.h"
#include "lib/secmem.h"
#include "policy/message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct hpke_exporter ex = {{1}};
	uint8_t hash[32], sk[32];
	enum message_kind kind;
	struct message m;
	char *text = NULL;
	size_t len;

	memset(sk, 7, sizeof(sk));
	if (message_peek(p, n, &kind, hash) == 0) {
		memset(&m, 0, sizeof(m));
		if (message_open(
			p, n, kind == MESSAGE_SEALED ? sk : NULL, &m) == 0) {
			fuzz_holds(m.payload[m.payload_n] == '\0' && m.signer);
			message_clear(&m);
		}
	}
	if (message_reply_open(&ex, p, n, &text, &len) == 0)
		secmem_free(text);
	text = NULL;
	if (message_reply_open(NULL, p, n, &text, &len) == 0)
		secmem_free(text);
	return 0;
}
