/* client/home, owner, floor, pins: what a damaged, foreign or open directory
 * gets is an error that names the file, and never another owner's keys. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "client/floor.h"
#include "client/owner.h"
#include "client/pins.h"
#include "client/why.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/secmem.h"

struct place {
	struct scratch *scratch;
	const char *dir;
	char home[80];
};

static void
run(const char *format, const char *arg)
{
	char command[400];

	snprintf(command, sizeof(command), format, arg);
	assert_int_equal(system(command), 0);
}

static int
make_owner(const char *home, const char *passphrase)
{
	struct owner_new n = {
	    .home = home, .kind = IDENTITY_ED25519, .passphrase = passphrase};
	char *path = NULL;
	int r = owner_create(&n, &path);

	free(path);
	return r;
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
	*state = p;
	return make_owner(p->home, NULL);
}

static int
teardown(void **state)
{
	struct place *p = *state;

	(void)scratch_remove((void **)&p->scratch);
	free(p);
	return 0;
}

static void
refused(const char *home, int code, const char *says)
{
	struct owner *o = (struct owner *)1;

	assert_int_equal(owner_open(home, &o), code);
	assert_null(o);
	if (!strstr(why_text(), says))
		fail_msg("\"%s\" does not say \"%s\"", why_text(), says);
}

static void
no_home_says_how_to_make_one(void **state)
{
	const struct place *p = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/none", p->dir);
	refused(path, CL_ERR_NOT_FOUND, "cloister init");
	snprintf(path, sizeof(path), "%s/mek", p->home);
	refused(path, CL_ERR_IO, "Not a directory");
}

static void
an_open_home_is_refused(void **state)
{
	const struct place *p = *state;

	run("chmod 750 %s", p->home);
	refused(p->home, CL_ERR_PERMISSION, "expected mode 0700, came 0750");
	run("chmod 701 %s", p->home);
	refused(p->home, CL_ERR_PERMISSION, "chmod 700");
	run("chmod 700 %s", p->home);
	run("chmod 640 %s/mek", p->home);
	refused(p->home, CL_ERR_PERMISSION, "mek");
}

static void
a_readable_identity_is_refused(void **state)
{
	const struct place *p = *state;
	struct owner *o;

	run("chmod 604 %s/identity.pem", p->home);
	assert_int_equal(owner_open(p->home, &o), 0);
	assert_int_equal(owner_unlock(o, NULL), CL_ERR_PERMISSION);
	assert_non_null(strstr(why_text(), "identity.pem"));
	assert_null(o->private);
	owner_close(o);
}

static void
each_missing_file_is_named(void **state)
{
	static const char *const files[] = {
	    "mek", "tenant.json", "identity.pub"};
	const struct place *p = *state;
	char path[160], away[160];
	struct owner *o;
	size_t i;

	snprintf(away, sizeof(away), "%s/away", p->dir);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->home, files[i]);
		assert_int_equal(rename(path, away), 0);
		refused(p->home, CL_ERR_NOT_FOUND, files[i]);
		assert_int_equal(rename(away, path), 0);
	}
	run("rm %s/identity.pem", p->home);
	assert_int_equal(owner_open(p->home, &o), 0);
	assert_int_equal(owner_unlock(o, NULL), CL_ERR_NOT_FOUND);
	owner_close(o);
}

static void
a_mek_of_another_size_is_refused(void **state)
{
	const struct place *p = *state;

	run("head -c 31 /dev/urandom > %s/mek", p->home);
	refused(p->home, CL_ERR_FORMAT, "expected 32 bytes, came 31");
	run("head -c 33 /dev/urandom > %s/mek", p->home);
	refused(p->home, CL_ERR_FORMAT, "came 33");
	run(": > %s/mek", p->home);
	refused(p->home, CL_ERR_FORMAT, "came 0");
}

static void
a_wrong_mek_is_told_apart(void **state)
{
	const struct place *p = *state;

	run("head -c 32 /dev/urandom > %s/mek", p->home);
	refused(p->home, CL_ERR_KEY_UNWRAP, "does not open with");
}

/* Every byte of tenant.json: the owner opens only when nothing changed. */
static void
a_changed_tenant_file_never_opens(void **state)
{
	const struct place *p = *state;
	char path[160];
	uint8_t *text = NULL;
	struct owner *o;
	size_t n, i;
	uint8_t was;

	snprintf(path, sizeof(path), "%s/tenant.json", p->home);
	assert_int_equal(file_read(AT_FDCWD, path, 4096, &text, &n), 0);
	for (i = 0; i < n; i++) {
		was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(
		    file_write_atomic(AT_FDCWD, path, text, n, 0600), 0);
		assert_int_not_equal(owner_open(p->home, &o), 0);
		assert_null(o);
		assert_string_not_equal(why_text(), "");
		text[i] = was;
	}
	for (i = 0; i < n; i++) {
		assert_int_equal(
		    file_write_atomic(AT_FDCWD, path, text, i, 0600), 0);
		assert_int_not_equal(owner_open(p->home, &o), 0);
	}
	assert_int_equal(file_write_atomic(AT_FDCWD, path, text, n, 0600), 0);
	assert_int_equal(owner_open(p->home, &o), 0);
	owner_close(o);
	secmem_free(text);
}

static void
keys_of_the_file_do_not_change_places(void **state)
{
	const struct place *p = *state;

	run("sed -i 's/hash_key/xx/; s/tenant_key/hash_key/; s/xx/tenant_key/' "
	    "%s/tenant.json",
	    p->home);
	refused(p->home, CL_ERR_KEY_UNWRAP, "tenant.json");
}

static void
a_home_is_never_overwritten(void **state)
{
	const struct place *p = *state;
	char other[160], before[64], after[64];
	struct owner *o;

	assert_int_equal(owner_open(p->home, &o), 0);
	assert_int_equal(owner_pukid(o, before), 0);
	owner_close(o);
	assert_int_equal(make_owner(p->home, NULL), CL_ERR_EXISTS);
	assert_non_null(strstr(why_text(), "never overwritten"));
	assert_int_equal(owner_open(p->home, &o), 0);
	assert_int_equal(owner_pukid(o, after), 0);
	owner_close(o);
	assert_string_equal(before, after);

	snprintf(other, sizeof(other), "%s/file", p->dir);
	run("touch %s", other);
	assert_int_equal(make_owner(other, NULL), CL_ERR_EXISTS);
	snprintf(other, sizeof(other), "%s/full", p->dir);
	run("mkdir %s", other);
	run("touch %s/x", other);
	assert_int_equal(make_owner(other, NULL), CL_ERR_EXISTS);
	snprintf(other, sizeof(other), "%s/no/such/parent", p->dir);
	assert_int_equal(make_owner(other, NULL), CL_ERR_IO);
	/* Nothing half made is left behind. */
	run("! ls -A %s | grep new", p->dir);
	snprintf(other, sizeof(other), "%s/empty/", p->dir);
	run("mkdir %s", other);
	assert_int_equal(make_owner(other, NULL), 0);
}

static void
two_owners_share_nothing(void **state)
{
	const struct place *p = *state;
	struct owner *a, *b;
	char other[160];

	snprintf(other, sizeof(other), "%s/other", p->dir);
	assert_int_equal(make_owner(other, NULL), 0);
	assert_int_equal(owner_open(p->home, &a), 0);
	assert_int_equal(owner_open(other, &b), 0);
	assert_memory_not_equal(a->tenant, b->tenant, 16);
	assert_memory_not_equal(a->keys->tenant, b->keys->tenant, CRYPTO_KEY);
	assert_memory_not_equal(a->keys->hash, b->keys->hash, CRYPTO_KEY);
	assert_memory_not_equal(a->keys->hash, a->keys->tenant, CRYPTO_KEY);
	owner_close(a);
	owner_close(b);
	owner_close(NULL);
}

static void
a_swapped_public_key_is_noticed(void **state)
{
	const struct place *p = *state;
	struct owner *o;
	char other[160], command[400];

	snprintf(other, sizeof(other), "%s/other", p->dir);
	assert_int_equal(make_owner(other, NULL), 0);
	snprintf(command, sizeof(command), "cp %s/identity.pub %%s/", other);
	run(command, p->home);
	assert_int_equal(owner_open(p->home, &o), 0);
	assert_int_equal(owner_unlock(o, NULL), CL_ERR_FORMAT);
	assert_non_null(strstr(why_text(), "not one pair"));
	owner_close(o);
}

static int
unlock_with(const char *home, const char *file)
{
	struct owner *o;
	int r;

	assert_int_equal(owner_open(home, &o), 0);
	r = owner_unlock(o, file);
	assert_true((r == 0) == (o->private != NULL));
	owner_close(o);
	return r;
}

static void
a_passphrase_opens_only_itself(void **state)
{
	const struct place *p = *state;
	char other[160], file[160];

	snprintf(other, sizeof(other), "%s/locked", p->dir);
	snprintf(file, sizeof(file), "%s/passphrase", p->dir);
	assert_int_equal(make_owner(other, "correct horse"), 0);
	run("grep -q 'BEGIN ENCRYPTED PRIVATE KEY' %s/identity.pem", other);
	run("printf 'correct horse\\nsecond line\\n' > %s", file);
	assert_int_equal(unlock_with(other, file), 0);
	run("printf 'correct hors' > %s", file);
	assert_int_not_equal(unlock_with(other, file), 0);
	assert_non_null(strstr(why_text(), "does not open with this"));
	run("printf '\\n' > %s", file);
	assert_int_equal(unlock_with(other, file), CL_ERR_ARGUMENT);
	run("rm %s", file);
	assert_int_equal(unlock_with(other, file), CL_ERR_NOT_FOUND);
	/* One that is not encrypted needs none. */
	assert_int_equal(unlock_with(p->home, NULL), 0);
}

static void
the_floor_only_rises(void **state)
{
	const struct place *p = *state;
	uint8_t a[16] = {1}, b[16] = {2};
	struct home h;
	json_t *floor;

	assert_int_equal(home_open(p->home, &h), 0);
	assert_int_equal(floor_raise(&h, a, 3), 0);
	assert_int_equal(floor_raise(&h, b, 1), 0);
	assert_int_equal(floor_raise(&h, a, 2), 0);
	assert_int_equal(floor_load(&h, &floor), 0);
	assert_int_equal(floor_version(floor, a), 3);
	assert_int_equal(floor_version(floor, b), 1);
	json_decref(floor);
	run("echo '{\"groups\":{\"x\":1},\"brl\":0}' > %s/floor.json", p->home);
	assert_int_equal(floor_load(&h, &floor), CL_ERR_FORMAT);
	assert_null(floor);
	run("echo '{\"brl\":0}' > %s/floor.json", p->home);
	assert_int_equal(floor_raise(&h, a, 9), CL_ERR_FORMAT);
	home_close(&h);
}

/* ---- pins ---- */

/* A reply as an engine signs it. */
static json_t *
reply(const struct identity *key, const uint8_t boot[16], int64_t count,
    uint8_t fill)
{
	uint8_t head[32], n[8], sig[IDENTITY_SIG_MAX];
	struct crypto_part parts[2] = {{n, 8}, {head, 32}};
	size_t len = sizeof(sig);
	json_t *o = json_pack("{s:I}", "audit_count", (json_int_t)count);

	memset(head, fill, sizeof(head));
	le64_put(n, (uint64_t)count);
	assert_int_equal(
	    identity_sign(key, "cloister audit v1", parts, 2, sig, &len), 0);
	assert_int_equal(len, 64);
	assert_int_equal(json_set_blob(o, "boot", boot, 16), 0);
	assert_int_equal(json_set_blob(o, "audit_head", head, 32), 0);
	assert_int_equal(json_set_blob(o, "audit_sig", sig, len), 0);
	return o;
}

/* A reply to a request that was sent when the pins were as before has them;
 * NULL: as they are now. */
static int
pin_since(const struct home *h, const json_t *before, json_t *o)
{
	json_t *now = NULL;
	int r;

	if (!before)
		assert_int_equal(pins_load(h, &now), 0);
	r = pins_check(h, before ? before : now, o);
	json_decref(now);
	json_decref(o);
	return r;
}

static int
pin(const struct home *h, json_t *o)
{
	return pin_since(h, NULL, o);
}

/* The raw public key, out of the last 44 characters of the PEM's text. */
static void
raw_key(const struct identity *id, uint8_t raw[32])
{
	char *pem, b64[64], command[400];
	FILE *f;

	assert_int_equal(identity_public_pem(id, &pem), 0);
	assert_int_equal(
	    sscanf(pem, "-----BEGIN PUBLIC KEY-----\n%60[^\n]", b64), 1);
	snprintf(
	    command, sizeof(command), "echo %s | base64 -d | tail -c 32", b64);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fread(raw, 1, 32, f), 32);
	pclose(f);
	secmem_free(pem);
}

static void
a_cut_audit_log_shows(void **state)
{
	const struct place *p = *state;
	struct evidence_claims claims = {.boot = {7}};
	struct identity *key, *other;
	uint8_t stranger[16] = {9};
	json_t *before;
	struct home h;

	assert_int_equal(home_open(p->home, &h), 0);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &key), 0);
	assert_int_equal(identity_generate(IDENTITY_ED25519, &other), 0);
	raw_key(key, claims.audit_key);

	/* Before its evidence was accepted, nothing is believed or kept. */
	assert_int_equal(pin(&h, reply(other, claims.boot, 99, 1)), 0);
	assert_int_equal(pins_learn(&h, &claims), 0);
	assert_int_equal(pin(&h, reply(key, claims.boot, 5, 1)), 0);
	assert_int_equal(pin(&h, reply(key, claims.boot, 5, 1)), 0);
	assert_int_equal(
	    pin(&h, reply(key, claims.boot, 5, 2)), CL_ERR_ROLLBACK);
	assert_int_equal(
	    pin(&h, reply(key, claims.boot, 4, 1)), CL_ERR_ROLLBACK);
	assert_int_equal(
	    pin(&h, reply(other, claims.boot, 6, 1)), CL_ERR_SIGNATURE);
	assert_int_equal(pin(&h, reply(key, claims.boot, 7, 3)), 0);
	/* Two requests at once: the slower one's reply may be the older. */
	assert_int_equal(pins_load(&h, &before), 0);
	assert_int_equal(pin(&h, reply(key, claims.boot, 9, 4)), 0);
	assert_int_equal(
	    pin_since(&h, before, reply(key, claims.boot, 8, 5)), 0);
	assert_int_equal(pin_since(&h, before, reply(key, claims.boot, 6, 5)),
	    CL_ERR_ROLLBACK);
	assert_int_equal(
	    pin(&h, reply(key, claims.boot, 8, 5)), CL_ERR_ROLLBACK);
	json_decref(before);
	/* Learning again does not forget; another start has its own chain. */
	assert_int_equal(pins_learn(&h, &claims), 0);
	assert_int_equal(
	    pin(&h, reply(key, claims.boot, 6, 3)), CL_ERR_ROLLBACK);
	assert_int_equal(pin(&h, reply(other, stranger, 1, 1)), 0);
	assert_int_equal(
	    pin(&h, json_pack("{s:s}", "op", "status")), CL_ERR_FORMAT);

	identity_free(key);
	identity_free(other);
	home_close(&h);
}

static void
pins_do_not_grow_for_ever(void **state)
{
	const struct place *p = *state;
	struct evidence_claims claims = {.boot = {0}};
	struct home h;
	uint8_t *text;
	json_t *o;
	size_t n;
	int i, r;

	assert_int_equal(home_open(p->home, &h), 0);
	for (i = 0; i < 70; i++) {
		claims.boot[0] = (uint8_t)i;
		assert_int_equal(pins_learn(&h, &claims), 0);
	}
	assert_int_equal(home_read(&h, "pins.json", &text, &n), 0);
	o = json_parse((char *)text, n, &r);
	assert_int_equal(json_object_size(o), 64);
	json_decref(o);
	secmem_free(text);
	home_close(&h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_home_says_how_to_make_one),
	    TEST(an_open_home_is_refused),
	    TEST(a_readable_identity_is_refused),
	    TEST(each_missing_file_is_named),
	    TEST(a_mek_of_another_size_is_refused),
	    TEST(a_wrong_mek_is_told_apart),
	    TEST(a_changed_tenant_file_never_opens),
	    TEST(keys_of_the_file_do_not_change_places),
	    TEST(a_home_is_never_overwritten),
	    TEST(two_owners_share_nothing),
	    TEST(a_swapped_public_key_is_noticed),
	    TEST(a_passphrase_opens_only_itself),
	    TEST(the_floor_only_rises),
	    TEST(a_cut_audit_log_shows),
	    TEST(pins_do_not_grow_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
