/* cloister.conf: what is not exactly right is an error that helps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config.h"
#include "lib/file.h"
#include "tests/unit/scratch.h"

#define GOOD                                                                   \
	"[agent]\ntee = sim\n[access]\nallow_uids = root 1000\n"               \
	"[sim]\nkey = /k\n"

static struct config c;
static char error[CONFIG_ERROR];

static void
must_fail(const char *text, const char *part)
{
	assert_int_equal(config_parse("conf", text, &c, error), CL_ERR_CONFIG);
	if (!strstr(error, part))
		fail_msg("'%s' is not in '%s'", part, error);
	assert_non_null(strstr(error, "conf"));
	assert_null(strchr(error, '\n'));
}

static void
defaults(void **state)
{
	(void)state;
	assert_int_equal(config_parse("conf", GOOD, &c, error), CL_OK);
	assert_string_equal(c.socket, "/run/cloister/db.sock");
	assert_string_equal(c.state_dir, "/var/lib/cloister");
	assert_string_equal(c.provider, "tpm");
	assert_string_equal(c.user, "nobody");
	assert_int_equal(c.pcrs, 1 << 0 | 1 << 2 | 1 << 4 | 1 << 7 | 1 << 11);
	assert_int_equal(c.setup.workers, 64);
	assert_int_equal(c.setup.arena_mb, 64);
	assert_int_equal(c.setup.max_frame, 8 << 20);
	assert_int_equal(c.setup.io_timeout, 30);
	assert_int_equal(c.setup.max_programs, 256);
	assert_int_equal(c.setup.allow_mlock, 0);
	assert_int_equal(c.setup.nuids, 2);
	assert_int_equal(c.setup.uids[0], 0);
	assert_int_equal(c.setup.uids[1], 1000);
	assert_string_equal(c.setup.tee, "sim");
}

static void
values(void **state)
{
	(void)state;
	assert_int_equal(
	    config_parse("conf",
		GOOD "[limits]\nworkers = 8\nmax_frame_mb=1\n[sealing]\n"
		     "provider = file\npcrs = 23 , 0\n[memory]\n"
		     "allow_mlock = yes\n; remark\n# remark\n",
		&c, error),
	    CL_OK);
	assert_int_equal(c.setup.workers, 8);
	assert_int_equal(c.setup.max_frame, 1 << 20);
	assert_int_equal(c.pcrs, 1 << 23 | 1);
	assert_int_equal(c.setup.allow_mlock, 1);
	assert_string_equal(c.setup.sealing, "file");
}

static void
strangers(void **state)
{
	(void)state;
	must_fail(
	    GOOD "[limits]\nworkres = 3\n", "conf:8: unknown key 'workres'");
	assert_non_null(strstr(error, "max_programs"));
	must_fail(GOOD "[limit]\nworkers = 3\n", "section [limit]");
	assert_non_null(strstr(error, "[limits]"));
	must_fail("socket = /x\n", "conf:1:");
	must_fail(GOOD "[agent]\nuser = a\nuser = b\n",
	    "conf:9: user is given twice");
	must_fail(GOOD "nonsense\n", "conf:7:");
	must_fail(GOOD "[limits\n", "conf:7:");
}

static void
numbers(void **state)
{
	static const char *const bad[] = {"1", "513", "0", "-4", "4.5", "4x",
	    "", "+8", "0x10", "99999999999999999999", "eight"};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), GOOD "[limits]\nworkers = %s\n",
		    bad[i]);
		must_fail(text, "expected a number from 2 to 512");
	}
	must_fail(GOOD "[limits]\nmax_frame_mb = 9\n", "from 1 to 8");
	must_fail(GOOD "[limits]\narena_mb = 3\n", "from 4 to");
	must_fail(GOOD "[limits]\narena_mb = 4\n", "workers need an arena");
	must_fail(GOOD "[memory]\nallow_mlock = true\n", "expected yes or no");
}

static void
lists(void **state)
{
	(void)state;
	must_fail(GOOD "[sealing]\npcrs = 24\n", "PCR numbers");
	must_fail(GOOD "[sealing]\npcrs = 1;2\n", "PCR numbers");
	must_fail(GOOD "[sealing]\npcrs = 1,x\n", "PCR numbers");
	must_fail("[agent]\ntee = sim\n[sim]\nkey = /k\n[access]\n"
		  "allow_uids = no-such-user-here\n",
	    "no user");
	must_fail("[agent]\ntee = sim\n[sim]\nkey = /k\n[access]\n"
		  "allow_uids =\n",
	    "nobody could connect");
	must_fail("[agent]\ntee = sim\n[sim]\nkey = /k\n[access]\n"
		  "allow_uids = 4294967295\n",
	    "no user");
}

static void
many_users(void **state)
{
	char text[2048] = "[agent]\ntee = sim\n[sim]\nkey = /k\n[access]\n"
			  "allow_uids = ";
	unsigned i;

	(void)state;
	for (i = 0; i < SETUP_MAX_UIDS; i++)
		strcat(text, "1,");
	/* Lines of the file are short: its library cuts them at 200. */
	assert_int_equal(config_parse("conf", text, &c, error), CL_OK);
	assert_int_equal(c.setup.nuids, SETUP_MAX_UIDS);
	strcat(text, "1");
	must_fail(text, "more than");
}

static void
what_is_missing(void **state)
{
	(void)state;
	must_fail("", "allow_uids= is missing");
	must_fail(
	    "[agent]\ntee = sim\n[access]\nallow_uids = 0\n", "[sim] key=");
	must_fail(GOOD "[agent]\nsocket = run/x\n", "absolute");
	must_fail(GOOD "[devices]\ntdx_quotes = host\n", "vsock");
	must_fail(GOOD "[sealing]\nprovider = disk\n", "tpm or file");
}

static void
measuring(void **state)
{
	static const char *const bad[] = {
	    "0", "7", "16", "23", "24", "-1", "yes", "", "8,9", "15x"};
	struct evidence_config e;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), GOOD "[tpm]\nmeasure_pcr = %s\n",
		    bad[i]);
		must_fail(text, "8 to 15");
	}
	must_fail(GOOD "[devices]\nruntime_log =\n", "absolute");
	must_fail(GOOD "[devices]\nccel = CCEL\n", "absolute");
	assert_int_equal(config_parse("conf", GOOD, &c, error), CL_OK);
	config_evidence(&c, &e);
	assert_int_equal(e.measure_pcr, 0);
	assert_int_equal(e.tpm_pcrs >> 15, 0);
	/* Only a TPM's own evidence has a PCR for it by itself, and then quotes
	 * it. */
	snprintf(c.tee, sizeof(c.tee), "tpm");
	config_evidence(&c, &e);
	assert_int_equal(e.measure_pcr, 15);
	assert_int_equal(e.tpm_pcrs >> 15, 1);
	assert_int_equal(
	    config_parse("conf",
		GOOD "[tpm]\nmeasure_pcr = 12\n[devices]\nccel =\n", &c, error),
	    CL_OK);
	config_evidence(&c, &e);
	assert_int_equal(e.measure_pcr, 12);
	assert_string_equal(e.ccel, "");
	assert_int_equal(
	    config_parse("conf", GOOD "[tpm]\nmeasure_pcr = none\n", &c, error),
	    CL_OK);
	snprintf(c.tee, sizeof(c.tee), "tpm");
	config_evidence(&c, &e);
	assert_int_equal(e.measure_pcr, 0);
}

static void
long_texts(void **state)
{
	char text[1024];
	int n;

	(void)state;
	n = snprintf(text, sizeof(text), GOOD "[agent]\nsocket = /");
	memset(text + n, 'x', 107);
	text[n + 107] = '\0';
	must_fail(text, "longer than 107");
	text[n + 106] = '\0';
	assert_int_equal(config_parse("conf", text, &c, error), CL_OK);
}

static void
files(void **state)
{
	struct scratch *s = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/conf", s->path);
	assert_int_equal(config_load(path, &c, error), CL_ERR_CONFIG);
	assert_non_null(strstr(error, path));
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, GOOD, strlen(GOOD), 0600), CL_OK);
	assert_int_equal(config_load(path, &c, error), CL_OK);
	/* printf GOOD | sha256sum */
	assert_int_not_equal(c.digest[0] | c.digest[31], 0);
	assert_int_equal(
	    file_write_atomic(AT_FDCWD, path, "[agent]\0\n", 9, 0600), CL_OK);
	assert_int_equal(config_load(path, &c, error), CL_ERR_CONFIG);
}

/* What --print-config says is a configuration, once the blanks are filled. */
static void
help_is_true(void **state)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_non_null(f);
	config_help(f);
	fclose(f);
	must_fail(text, "");
	assert_non_null(strstr(text, "\n#workers = 64\n"));
	assert_non_null(strstr(text, "\nallow_uids = \n"));
	free(text);
}

static void
setup_travels(void **state)
{
	uint8_t bytes[SETUP_PACKET_MAX];
	struct wr out = wr_make(bytes, sizeof(bytes));
	struct setup back;
	struct rd in;
	size_t n;

	(void)state;
	assert_int_equal(config_parse("conf", GOOD, &c, error), CL_OK);
	c.setup.nuids = SETUP_MAX_UIDS;
	assert_int_equal(setup_put(&c.setup, &out), CL_OK);
	in = rd_make(bytes, out.len);
	assert_int_equal(setup_get(&back, &in), CL_OK);
	assert_memory_equal(&back, &c.setup, sizeof(back));
	for (n = 0; n < out.len; n++) {
		in = rd_make(bytes, n);
		assert_int_not_equal(setup_get(&back, &in), CL_OK);
	}
	bytes[0] = 9;
	in = rd_make(bytes, out.len);
	assert_int_equal(setup_get(&back, &in), CL_ERR_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(values),
	    cmocka_unit_test(strangers),
	    cmocka_unit_test(numbers),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(many_users),
	    cmocka_unit_test(what_is_missing),
	    cmocka_unit_test(measuring),
	    cmocka_unit_test(long_texts),
	    scratch_test(files),
	    cmocka_unit_test(help_is_true),
	    cmocka_unit_test(setup_travels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
