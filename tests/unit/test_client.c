/* client: bulk encryption of CSV, table of contents of a restore, JSON of an
 * appraisal, and libcloister from outside. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "client/encrypt.h"
#include "client/filter.h"
#include "client/libcloister.h"
#include "client/restore.h"
#include "client/why.h"
#include "lib/b64.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/evidence.h"
#include "policy/message.h"
#include "policy/verify_sim.h"

struct place {
	struct scratch *scratch;
	const char *dir;
	char home[80];
	struct groups groups;
	struct identity *root; /* of the simulated TEE */
};

static void
make_home(struct place *p)
{
	struct groups_wish w = {.name = "g"};
	struct owner_new n = {.home = p->home, .kind = IDENTITY_ED25519};
	char *path = NULL, *pem = NULL;
	struct group *g = NULL;
	struct owner *o = NULL;

	assert_int_equal(identity_generate(IDENTITY_ED25519, &p->root), 0);
	assert_int_equal(identity_public_pem(p->root, &pem), 0);
	n.sim_root = pem;
	assert_int_equal(owner_create(&n, &path), 0);
	assert_int_equal(owner_open(p->home, &o), 0);
	assert_int_equal(owner_unlock(o, NULL), 0);
	assert_int_equal(groups_create(o, &w, &g), 0);
	assert_int_equal(groups_load(o, NULL, &p->groups), 0);
	groups_close(g);
	owner_close(o);
	secmem_free(pem);
	free(path);
}

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	(void)scratch_make((void **)&p->scratch);
	p->dir = p->scratch->path;
	snprintf(p->home, sizeof(p->home), "%s/home", p->dir);
	make_home(p);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	groups_clear(&p->groups);
	identity_free(p->root);
	(void)scratch_remove((void **)&p->scratch);
	free(p);
	return 0;
}

/* ---- CSV ---- */

static int
file_of(const char *text)
{
	int fd = memfd_create("input", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int
encrypt(const struct place *p, const char *columns, bool header, const char *in,
    struct out *out)
{
	struct encrypt_csv *e = NULL;
	int fd = file_of(in), r;

	out->fd = -1;
	text_reset(&out->kept);
	if ((r = encrypt_csv_new(&p->groups, columns, header, &e)) == 0)
		r = encrypt_csv_run(e, fd, out);
	encrypt_csv_free(e);
	close(fd);
	return r;
}

struct plain {
	const struct groups *groups;
	struct cells cells;
	struct text text;
};

static int
put(void *arg, const char *p, size_t n)
{
	struct plain *pl = arg;

	return text_add(&pl->text, p, n);
}

static int
resolve(void *arg, const char *token, size_t n, struct text *out)
{
	struct plain *pl = arg;

	return cells_decrypt(&pl->cells, pl->groups, token, n, out);
}

static void
failed(void *arg, uint64_t line)
{
	(void)arg;
	fail_msg("line %u: %s", (unsigned)line, why_text());
}

/* Encrypts, looks that no plain value is left, decrypts, compares. */
static void
round_trip(const struct place *p, const char *columns, bool header,
    const char *in, const char *secret)
{
	struct plain pl = {.groups = &p->groups};
	struct filter_hooks hooks = {put, resolve, failed, &pl};
	struct out out = {.fd = -1};
	struct filter *f;

	assert_int_equal(encrypt(p, columns, header, in, &out), 0);
	assert_null(strstr(out.kept.p, secret));
	assert_int_equal(filter_new(&hooks, FILTER_CSV, &f), 0);
	assert_int_equal(filter_feed(f, out.kept.p, out.kept.n), 0);
	assert_int_equal(filter_end(f), 0);
	assert_string_equal(pl.text.p, in);
	filter_free(f);
	cells_clear(&pl.cells);
	text_clear(&pl.text);
	out_clear(&out);
}

static void
csv_columns_come_back(void **state)
{
	struct place *p = *state;

	round_trip(
	    p, "2:int4:g", false, "a,1234,b\nc,,d\n\"e,\",5,\"\"\n", "1234");
	round_trip(p, "name:text:g,id:int8:g", true,
	    "id,name,note\n1,\"Ann \"\"A\"\" Lee\",name\n2,\"\",\n3,,x\n",
	    "Lee");
	round_trip(
	    p, "1:text:g", false, "\"two\nlines\"\r\n\"a,b\"\r\n", "lines");
	round_trip(p, "1:date:g,2:uuid:g", false,
	    "2024-02-29,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "2024");
}

static void
refused_csv(struct place *p, const char *columns, bool header, const char *in,
    int code, const char *says)
{
	struct out out = {.fd = -1};

	assert_int_equal(encrypt(p, columns, header, in, &out), code);
	if (!strstr(why_text(), says))
		fail_msg("\"%s\" does not say \"%s\"", why_text(), says);
	assert_null(out.kept.n ? strstr(out.kept.p, "SECRET") : NULL);
	out_clear(&out);
}

static void
wrong_csv_is_refused_and_leaks_nothing(void **state)
{
	struct place *p = *state;

	refused_csv(p, "1:int4:g", false, "1\nSECRET\n", CL_ERR_TEXT,
	    "line 2, column 1: expected a value of type int4");
	refused_csv(p, "2:int4:g", false, "a,1\nSECRET\n", CL_ERR_FORMAT,
	    "line 2: expected at least 2 columns, came 1");
	refused_csv(p, "x:int4:g", true, "a,b\n1,2\n", CL_ERR_NOT_FOUND,
	    "expected a column \"x\"");
	refused_csv(
	    p, "a:int4:g", true, "a,a\n1,2\n", CL_ERR_FORMAT, "named twice");
	refused_csv(p, "1:int4:g,a:int8:g", true, "a\n1\n", CL_ERR_FORMAT,
	    "named twice");
	refused_csv(p, "1:text:g", false, "\"SECRET", CL_ERR_TRUNCATED,
	    "closing quote");
	/* "" is the empty string, and no number. */
	refused_csv(p, "1:int4:g", false, "\"\"\n", CL_ERR_TEXT, "line 1");
}

static void
wrong_column_lists_are_refused(void **state)
{
	static const struct {
		const char *columns;
		int code;
	} rows[] = {
	    {"", CL_ERR_ARGUMENT},
	    {"1", CL_ERR_ARGUMENT},
	    {"1:int4", CL_ERR_ARGUMENT},
	    {":int4:g", CL_ERR_ARGUMENT},
	    {"0:int4:g", CL_ERR_ARGUMENT},
	    {"1601:int4:g", CL_ERR_ARGUMENT},
	    {"-1:int4:g", CL_ERR_ARGUMENT},
	    {"1:money:g", CL_ERR_ARGUMENT},
	    {"1:int4:nobody", CL_ERR_NOT_FOUND},
	    {"1:int4:g:x", CL_ERR_NOT_FOUND},
	    {"1:int4:g,1:int8:g", CL_ERR_ARGUMENT},
	    {"1:int4:g,", CL_ERR_ARGUMENT},
	    {"name:int4:g", CL_ERR_ARGUMENT},
	};
	struct place *p = *state;
	struct encrypt_csv *e;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    encrypt_csv_new(&p->groups, rows[i].columns, false, &e),
		    rows[i].code);
		assert_null(e);
	}
}

static void
lines_become_literals(void **state)
{
	struct place *p = *state;
	struct encrypt_as as = {p->groups.v[0], TYPE_INT4, true};
	struct out out = {.fd = -1};
	int fd = file_of("1\n2"), r;

	assert_int_equal(encrypt_lines(&as, fd, &out), 0);
	close(fd);
	assert_memory_equal(out.kept.p, "'cl1_", 5);
	assert_non_null(strstr(out.kept.p, "'::enc_int4\n'cl1_"));
	text_reset(&out.kept);
	fd = file_of("1\n\n3\n");
	r = encrypt_lines(&as, fd, &out);
	close(fd);
	assert_int_equal(r, CL_ERR_TEXT);
	assert_memory_equal(why_text(), "line 2:", 7);
	out_clear(&out);
}

/* ---- restore ---- */

static void
only_catalog_data_goes_first(void **state)
{
	static const char list[] =
	    ";\n; Archive created at 2024\n"
	    "3346; 0 16392 TABLE DATA cloister groups owner\n"
	    "3347; 0 16400 TABLE DATA public TABLE DATA cloister owner\n"
	    "3348; 0 16401 TABLE DATA cloisterx groups owner\n"
	    "3349; 0 0 SEQUENCE SET cloister s owner\n"
	    "3350; 0 16402 TABLE DATA cloister other owner\n"
	    "3351; 0 16403 TABLE DATA public cloister owner";
	struct text in = {0}, catalog = {0}, rest = {0};

	(void)state;
	assert_int_equal(text_str(&in, list), 0);
	assert_int_equal(restore_split_list(&in, &catalog, &rest), 0);
	assert_string_equal(catalog.p,
	    "3346; 0 16392 TABLE DATA cloister groups owner\n"
	    "3350; 0 16402 TABLE DATA cloister other owner\n");
	assert_string_equal(rest.p,
	    "3347; 0 16400 TABLE DATA public TABLE DATA cloister owner\n"
	    "3348; 0 16401 TABLE DATA cloisterx groups owner\n"
	    "3349; 0 0 SEQUENCE SET cloister s owner\n"
	    "3351; 0 16403 TABLE DATA public cloister owner");
	text_clear(&in);
	text_clear(&catalog);
	text_clear(&rest);
}

/* ---- libcloister ---- */

static void
values_go_there_and_back(void **state)
{
	const struct place *p = *state;
	struct cloister *c;
	const char *cell, *value;
	char kept[256];
	size_t n;

	assert_int_equal(cloister_open(p->home, &c), 0);
	assert_int_equal(
	    cloister_encrypt(c, "g", "text", "salt", 4, &cell, &n), 0);
	assert_int_equal(strlen(cell), n);
	snprintf(kept, sizeof(kept), "%s", cell);
	assert_int_equal(cloister_decrypt(c, kept, n, &value, &n), 0);
	assert_string_equal(value, "salt");
	assert_int_equal(n, 4);
	kept[20] = kept[20] == 'A' ? 'B' : 'A';
	assert_int_not_equal(
	    cloister_decrypt(c, kept, strlen(kept), &value, &n), 0);
	assert_null(value);
	assert_int_equal(cloister_encrypt(c, "h", "text", "x", 1, &cell, &n),
	    CL_ERR_NOT_FOUND);
	assert_null(cell);
	assert_string_not_equal(cloister_why(), "");
	cloister_close(c);
	cloister_close(NULL);
}

static void
sessions_need_the_signing_key(void **state)
{
	const struct place *p = *state;
	uint8_t boot[16] = {1, 2, 3}, message[2048];
	const char *text;
	struct message m;
	struct cloister *c;
	size_t n = sizeof(message);
	json_t *o;
	int r;

	assert_int_equal(cloister_open(p->home, &c), 0);
	assert_int_equal(cloister_session(c, boot, &text), CL_ERR_STATE);
	assert_null(text);
	assert_int_equal(cloister_unlock(c, NULL), 0);
	assert_int_equal(cloister_session(c, boot, &text), 0);
	assert_int_equal(b64_decode(text, strlen(text), message, &n), 0);
	assert_int_equal(message_open(message, n, NULL, &m), 0);
	o = json_parse(m.payload, m.payload_n, &r);
	assert_non_null(o);
	assert_int_equal(json_object_size(o), 5);
	assert_string_equal(
	    json_string_value(json_object_get(o, "op")), "open");
	json_decref(o);
	message_clear(&m);
	cloister_close(c);
}

/* An agent of the simulated TEE, as far as provisioning sees one. */
struct agent {
	uint8_t sk[32];
	struct evidence_claims claims;
	char *text;
	size_t n;
};

static void
make_evidence(const struct place *p, const uint8_t nonce[32], struct agent *a)
{
	struct sim_report report = {.time = time(NULL)};
	struct evidence e = {.tee = "sim"};
	uint8_t raw[SIM_EVIDENCE];

	memset(a, 0, sizeof(*a));
	snprintf(a->claims.tee, sizeof(a->claims.tee), "sim");
	snprintf(a->claims.version, sizeof(a->claims.version), "1");
	snprintf(a->claims.memory, sizeof(a->claims.memory), "memfd_secret");
	memset(a->claims.binary, '0', 64);
	memset(a->claims.config, '0', 64);
	a->claims.expires = time(NULL) + 300;
	a->claims.boot[0] = 5;
	assert_int_equal(hpke_keypair(a->sk, a->claims.channel_key), 0);
	memcpy(e.nonce, nonce, sizeof(e.nonce));
	assert_int_equal(
	    evidence_claims_print(&a->claims, &e.claims, &e.claims_n), 0);
	assert_int_equal(evidence_report_data(
			     nonce, e.claims, e.claims_n, report.report_data),
	    0);
	assert_int_equal(sim_make(p->root, &report, raw), 0);
	e.raw = raw;
	e.raw_n = sizeof(raw);
	assert_int_equal(evidence_print(&e, &a->text, &a->n), 0);
	secmem_free(e.claims);
}

static void
keys_go_only_where_evidence_is_accepted(void **state)
{
	const struct place *p = *state;
	struct cloister_lease lease = {.seal = 1, .seconds = 60};
	uint8_t nonce[32] = {1}, other[32] = {2};
	const uint8_t *message;
	struct cloister *c;
	struct message m;
	struct agent a;
	json_t *o;
	size_t n;
	int r;

	make_evidence(p, nonce, &a);
	assert_int_equal(cloister_open(p->home, &c), 0);
	assert_int_equal(
	    cloister_provision(c, a.text, a.n, nonce, &lease, &message, &n),
	    CL_ERR_STATE);
	assert_int_equal(cloister_unlock(c, NULL), 0);
	assert_int_not_equal(
	    cloister_provision(c, a.text, a.n, other, &lease, &message, &n), 0);
	assert_null(message);
	assert_int_equal(
	    cloister_provision(c, a.text, a.n, nonce, &lease, &message, &n), 0);
	assert_int_equal(message_open(message, n, a.sk, &m), 0);
	o = json_parse(m.payload, m.payload_n, &r);
	assert_non_null(o);
	assert_string_equal(
	    json_string_value(json_object_get(o, "op")), "provision");
	assert_int_equal(json_integer_value(json_object_get(o, "lease")), 60);
	assert_true(json_is_true(json_object_get(o, "seal")));
	/* A reply that was not made with the message's secret. */
	assert_int_not_equal(
	    cloister_provisioned(c, (const uint8_t *)"CLR1\x01", 5), 0);
	assert_int_equal(
	    cloister_provisioned(c, (const uint8_t *)"", 0), CL_ERR_STATE);
	json_decref(o);
	message_clear(&m);
	cloister_close(c);
	secmem_free(a.text);
}

/* Every byte of the envelope: nothing goes out to a changed one. */
static void
changed_evidence_gets_nothing(void **state)
{
	const struct place *p = *state;
	struct cloister_lease lease = {0, 0};
	uint8_t nonce[32] = {1};
	const uint8_t *message;
	struct cloister *c;
	struct agent a;
	size_t n, i;
	char was;

	make_evidence(p, nonce, &a);
	assert_int_equal(cloister_open(p->home, &c), 0);
	assert_int_equal(cloister_unlock(c, NULL), 0);
	for (i = 0; i < a.n; i++) {
		was = a.text[i];
		a.text[i] = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(cloister_provision(c, a.text, a.n, nonce,
					 &lease, &message, &n),
		    0);
		assert_null(message);
		a.text[i] = was;
	}
	assert_int_equal(
	    cloister_provision(c, a.text, a.n, nonce, &lease, &message, &n), 0);
	cloister_close(c);
	secmem_free(a.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(csv_columns_come_back),
	    TEST(wrong_csv_is_refused_and_leaks_nothing),
	    TEST(wrong_column_lists_are_refused),
	    TEST(lines_become_literals),
	    cmocka_unit_test(only_catalog_data_goes_first),
	    TEST(values_go_there_and_back),
	    TEST(sessions_need_the_signing_key),
	    TEST(keys_go_only_where_evidence_is_accepted),
	    TEST(changed_evidence_gets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
