/* The audit log of a living agent, checked as an auditor would: with nothing
 * but its lines, the boot id and the audit key from the evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/b64.h"
#include "tests/unit/agent.h"

static const char domain[] = "cloister audit v1";

struct chain {
	uint8_t head[32];
	uint64_t n;
	EVP_PKEY *key;
};

static void
start_chain(struct chain *c, const uint8_t boot[16], const uint8_t key[32])
{
	struct crypto_part parts[2] = {{domain, sizeof(domain)}, {boot, 16}};

	c->n = 0;
	assert_int_equal(crypto_sha256(parts, 2, c->head), CL_OK);
	c->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
	assert_non_null(c->key);
}

static bool
signed_well(const struct chain *c, const uint8_t sig[64])
{
	uint8_t text[sizeof(domain) + 8 + 32];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	memcpy(text, domain, sizeof(domain));
	le64_put(text + sizeof(domain), c->n);
	memcpy(text + sizeof(domain) + 8, c->head, 32);
	good = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, c->key) == 1 &&
	       EVP_DigestVerify(ctx, sig, 64, text, sizeof(text)) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

/* One line without its newline; the event's name goes to *event. */
static bool
follow(struct chain *c, const char *line, size_t n, char event[32])
{
	const char *space = memrchr(line, ' ', n);
	size_t text_n = space ? (size_t)(space - line) : 0, sig_n = 64;
	struct crypto_part parts[2] = {{c->head, 32}, {line, text_n}};
	uint8_t sig[64], next[32];
	const char *name;
	json_t *o;
	int r;

	if (!space || b64url_decode(space + 1, n - text_n - 1, sig, &sig_n) ||
	    sig_n != 64)
		return false;
	assert_int_equal(crypto_sha256(parts, 2, next), CL_OK);
	memcpy(c->head, next, 32);
	c->n++;
	if (!signed_well(c, sig))
		return false;
	o = json_parse(line, text_n, &r);
	assert_non_null(o);
	assert_int_equal(json_get_str(o, "event", &name), CL_OK);
	snprintf(event, 32, "%s", name);
	json_decref(o);
	return true;
}

static int64_t
count_lines(const char *text, size_t n)
{
	int64_t lines = 0;

	while (n--)
		lines += *text++ == '\n';
	return lines;
}

/* The log, once it has so many lines: the broker writes them on its own time,
 * after the engine has answered. */
static char *
read_log(struct agent *a, int64_t lines, size_t *n)
{
	uint8_t *text = NULL;
	char path[128];
	int i;

	snprintf(path, sizeof(path), "%s/state/audit.log", a->dir->path);
	for (i = 0; i < 3000; i++) {
		assert_int_equal(
		    file_read(AT_FDCWD, path, 1 << 20, &text, n), CL_OK);
		if (count_lines((char *)text, *n) >= lines)
			return (char *)text;
		secmem_free(text);
		usleep(20000);
	}
	fail_msg("no %d lines in the audit log", (int)lines);
	return NULL;
}

/* Follows the whole log; false when a line does not fit. */
static bool
follow_all(struct chain *c, const char *text, size_t n, char *events)
{
	const char *end, *at = text;
	char event[32];

	while (at < text + n) {
		end = memchr(at, '\n', (size_t)(text + n - at));
		if (!end || !follow(c, at, (size_t)(end - at), event))
			return false;
		strcat(strcat(events, event), " ");
		at = end + 1;
	}
	return true;
}

static void
the_chain_holds(void **state)
{
	struct agent *a = agent_make("");
	struct evidence_claims claims;
	uint8_t hash[32], head[32];
	struct agent_group g;
	char events[1024] = "", *text;
	json_t *reply = NULL;
	int64_t count = 0;
	struct chain c;
	uint32_t id;
	size_t n;

	(void)state;
	agent_ready(a, &g);
	g.def.ops = GROUP_EQ;
	g.def.version = 2;
	assert_int_equal(agent_group_push(a, &g), CL_OK);
	assert_int_equal(agent_prepare(a, g.tag, EV_LT, &id), CL_ERR_REFUSED);
	assert_int_equal(agent_call(a, OP_CLOSE, NULL, 0), CL_OK);
	agent_evidence(a, &claims, hash);
	text = agent_provision_payload(a, true, 0, &n);
	assert_int_equal(agent_sealed(a, text, n, &reply), CL_OK);
	secmem_free(text);
	assert_int_equal(
	    json_get_int(reply, "audit_count", 0, 100, &count), CL_OK);
	assert_int_equal(json_get_bytes(reply, "audit_head", head, 32), CL_OK);
	json_decref(reply);
	start_chain(&c, a->boot, claims.audit_key);
	text = read_log(a, count, &n);
	assert_true(follow_all(&c, text, n, events));
	assert_string_equal(events,
	    "start provision session_open group group refusal session_close "
	    "provision ");
	/* The owner pins what the reply says: a cut tail shows. */
	assert_int_equal(c.n, count);
	assert_memory_equal(c.head, head, 32);
	EVP_PKEY_free(c.key);
	secmem_free(text);
	groupkey_free(g.key);
	agent_free(a);
}

static void
forgeries_show(void **state)
{
	struct agent *a = agent_make("");
	struct evidence_claims claims;
	uint8_t hash[32];
	char events[8192], *text;
	struct chain c;
	size_t i, n;

	(void)state;
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_provision(a, false, 0), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	agent_evidence(a, &claims, hash);
	text = read_log(a, 3, &n);
	start_chain(&c, a->boot, claims.audit_key);
	EVP_PKEY_free(c.key);
	for (i = 0; i < n; i += 3) {
		/* Still a text, but another one. */
		text[i] = text[i] == 'a' ? 'b' : text[i] == '\n' ? 'c' : 'a';
		events[0] = '\0';
		start_chain(&c, a->boot, claims.audit_key);
		if (follow_all(&c, text, n, events))
			fail_msg("byte %zu was changed, and nothing shows", i);
		EVP_PKEY_free(c.key);
		secmem_free(text);
		text = read_log(a, 3, &n);
	}
	/* A line in the middle is missing. */
	start_chain(&c, a->boot, claims.audit_key);
	events[0] = '\0';
	assert_false(follow_all(&c, strchr(text, '\n') + 1,
	    n - (size_t)(strchr(text, '\n') + 1 - text), events));
	EVP_PKEY_free(c.key);
	secmem_free(text);
	agent_free(a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_chain_holds),
    cmocka_unit_test(forgeries_show),
};

AGENT_MAIN(tests)
