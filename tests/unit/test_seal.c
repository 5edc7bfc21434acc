/* sealing/seal: the TPM provider against a real swtpm that is started here.
 * Each way to fail has its own code and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "scratch.h"
#include "sealing/seal.h"
#include "sealing/tpm_blob.h"

#define PCRS ((1u << 4) | (1u << 7) | (1u << 11))

/* A TPM of its own for each test, state folder included. */
struct fixture {
	void *scratch;
	char tcti[128];
	pid_t swtpm;
	int dirfd;
};

static const char *const tools[] = {
    "swtpm --version", "tpm2_pcrextend --version", "tpm2_changeauth --version"};

static bool
have_tools(void)
{
	char command[128];
	size_t i;

	for (i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		snprintf(
		    command, sizeof(command), "%s >/dev/null 2>&1", tools[i]);
		if (system(command) != 0) {
			print_message(
			    "skipped: \"%s\" does not run\n", tools[i]);
			return false;
		}
	}
	return true;
}

static const char *
folder(const struct fixture *f)
{
	return ((struct scratch *)f->scratch)->path;
}

static bool
listens(const struct fixture *f, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	assert_true(fd >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", folder(f), name);
	ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return ok;
}

/* Starts swtpm and waits for its sockets. */
static void
power_on(struct fixture *f)
{
	char dir[96], server[112], control[120];
	const struct timespec pause = {0, 5000000};
	unsigned i;

	snprintf(dir, sizeof(dir), "dir=%s", folder(f));
	snprintf(server, sizeof(server), "type=unixio,path=%s/t", folder(f));
	snprintf(
	    control, sizeof(control), "type=unixio,path=%s/t.ctrl", folder(f));
	f->swtpm = fork();
	assert_true(f->swtpm >= 0);
	if (f->swtpm == 0) {
		/* It tells of every connection that ends. */
		int null = open("/dev/null", O_RDWR);

		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", dir,
		    "--server", server, "--ctrl", control, "--flags",
		    "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	for (i = 0; i < 2000 && !(listens(f, "t.ctrl") && listens(f, "t")); i++)
		nanosleep(&pause, NULL);
	assert_true(i < 2000);
}

static void
power_off(struct fixture *f)
{
	char path[96];

	if (!f->swtpm)
		return;
	kill(f->swtpm, SIGTERM);
	assert_int_equal(waitpid(f->swtpm, NULL, 0), f->swtpm);
	f->swtpm = 0;
	snprintf(path, sizeof(path), "%s/t", folder(f));
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/t.ctrl", folder(f));
	(void)unlink(path);
}

static int
make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct scratch *s;

	assert_non_null(f);
	scratch_make(&f->scratch);
	s = f->scratch;
	snprintf(f->tcti, sizeof(f->tcti), "swtpm:path=%s/t", s->path);
	assert_int_equal(mkdirat(s->fd, "state", 0700), 0);
	f->dirfd = openat(s->fd, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->dirfd >= 0);
	*state = f;
	return 0;
}

static int
unmake(void **state)
{
	struct fixture *f = *state;

	power_off(f);
	close(f->dirfd);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

/* make, with a TPM that is on. The tests skip themselves without one. */
static int
make_tpm(void **state)
{
	make(state);
	if (have_tools())
		power_on(*state);
	return 0;
}

static void
need_tpm(const struct fixture *f)
{
	if (!f->swtpm)
		skip();
}

static void
tool(const struct fixture *f, const char *command)
{
	char full[512];

	snprintf(full, sizeof(full), "TPM2TOOLS_TCTI=%s %s >/dev/null 2>&1",
	    f->tcti, command);
	assert_int_equal(system(full), 0);
}

static int
tpm_key(const struct fixture *f, uint32_t pcrs, uint8_t key[SEAL_KEY],
    char reason[SEAL_REASON])
{
	struct seal_config c = {"tpm", f->dirfd, f->tcti, pcrs};

	return seal_root_key(&c, key, reason);
}

/* Sealing fails with err; the reason has the word; no key comes out. */
static void
fails(const struct fixture *f, int err, const char *word)
{
	static const uint8_t zero[SEAL_KEY];
	char reason[SEAL_REASON];
	uint8_t key[SEAL_KEY];
	int r;

	memset(key, 0xaa, sizeof(key));
	r = tpm_key(f, PCRS, key, reason);
	if (r != err || !strstr(reason, word))
		fail_msg("%s: \"%s\", wanted %s: \"%s\"", err_name(r), reason,
		    err_name(err), word);
	assert_memory_equal(key, zero, sizeof(key));
}

static void
seals(const struct fixture *f, uint8_t key[SEAL_KEY])
{
	static const uint8_t zero[SEAL_KEY];
	char reason[SEAL_REASON];

	if (tpm_key(f, PCRS, key, reason) != 0)
		fail_msg("%s", reason);
	assert_memory_not_equal(key, zero, SEAL_KEY);
}

static void
a_new_process_and_a_rebooted_tpm_give_the_same_key(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], again[SEAL_KEY];
	char reason[SEAL_REASON];
	int status;
	pid_t pid;

	need_tpm(f);
	seals(f, key);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(tpm_key(f, PCRS, again, reason) != 0 ||
		      memcmp(key, again, SEAL_KEY) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	power_off(f);
	power_on(f);
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
}

static void
the_key_is_not_in_the_file(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], *p;
	struct stat st;
	size_t n, i;

	need_tpm(f);
	seals(f, key);
	assert_int_equal(
	    file_read(f->dirfd, "root.tpm", TPM_BLOB_MAX, &p, &n), CL_OK);
	for (i = 0; i + 8 <= SEAL_KEY; i++)
		assert_null(memmem(p, n, key + i, 8));
	secmem_free(p);
	assert_int_equal(fstatat(f->dirfd, "root.tpm", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
changed_pcrs_are_named(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], again[SEAL_KEY];

	need_tpm(f);
	seals(f, key);
	/* One that is not in the policy does not matter. */
	tool(f, "tpm2_pcrextend 9:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000001");
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
	tool(f, "tpm2_pcrextend 7:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000001");
	/* SHA-256 of 32 zeros and the number 1. */
	fails(f, CL_ERR_TPM_POLICY,
	    "PCR 7: sealed to 00000000..., now 90f4b395...");
	tool(f, "tpm2_pcrextend 11:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000001");
	fails(f, CL_ERR_TPM_POLICY, "; PCR 11: sealed to 00000000");
	/* Back in the sealed state after a reboot. */
	power_off(f);
	power_on(f);
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
}

/* Rewrites root.tpm through change, with a checksum that is right. */
static void
rewrite(const struct fixture *f, void (*change)(struct tpm_blob *b))
{
	uint8_t *p, out[TPM_BLOB_MAX];
	struct tpm_blob b;
	size_t n;

	assert_int_equal(
	    file_read(f->dirfd, "root.tpm", TPM_BLOB_MAX, &p, &n), CL_OK);
	assert_int_equal(tpm_blob_read(p, n, &b), CL_OK);
	secmem_free(p);
	change(&b);
	assert_int_equal(tpm_blob_write(&b, out, &n), CL_OK);
	assert_int_equal(
	    file_write_atomic(f->dirfd, "root.tpm", out, n, 0600), CL_OK);
}

/* The record says that nothing changed; the TPM knows better. */
static void
forge_record(struct tpm_blob *b)
{
	static const uint8_t one[32] = {[31] = 1}, zero[32];
	struct crypto_part parts[] = {{zero, 32}, {one, 32}};

	assert_int_equal(crypto_sha256(parts, 2, b->pcrs.pcr[7]), CL_OK);
}

static void
a_forged_record_does_not_help(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY];

	need_tpm(f);
	seals(f, key);
	tool(f, "tpm2_pcrextend 7:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000001");
	rewrite(f, forge_record);
	fails(f, CL_ERR_TPM_POLICY, "policy does not hold");
}

static void
flip_private(struct tpm_blob *b)
{
	b->private[b->private_n - 1] ^= 1;
}

static void
flip_public(struct tpm_blob *b)
{
	b->public[b->public_n - 1] ^= 1;
}

static void
cut_private(struct tpm_blob *b)
{
	b->private_n--;
}

static void
flip_primary(struct tpm_blob *b)
{
	b->primary[0] ^= 1;
}

static void
a_changed_object_is_refused_by_the_tpm(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], again[SEAL_KEY];

	need_tpm(f);
	seals(f, key);
	rewrite(f, flip_private);
	fails(f, CL_ERR_SEALED, "refuses the sealed object");
	rewrite(f, flip_private);
	rewrite(f, flip_public);
	fails(f, CL_ERR_SEALED, "refuses the sealed object");
	rewrite(f, flip_public);
	rewrite(f, flip_primary);
	fails(f, CL_ERR_SEALED, "another TPM");
	rewrite(f, flip_primary);
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
	rewrite(f, cut_private);
	fails(f, CL_ERR_SEALED, "not one of TPM 2.0");
}

static void
every_flipped_byte_of_the_file_is_damage(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], *p;
	struct tpm_blob b;
	size_t n, i;

	need_tpm(f);
	seals(f, key);
	assert_int_equal(
	    file_read(f->dirfd, "root.tpm", TPM_BLOB_MAX, &p, &n), CL_OK);
	for (i = 0; i < n; i++) {
		p[i] ^= 1;
		assert_int_equal(tpm_blob_read(p, n, &b), CL_ERR_SEALED);
		p[i] ^= 1;
		assert_int_equal(tpm_blob_read(p, i, &b), CL_ERR_SEALED);
	}
	p[n / 2] ^= 1;
	assert_int_equal(
	    file_write_atomic(f->dirfd, "root.tpm", p, n, 0600), CL_OK);
	fails(f, CL_ERR_SEALED, "damaged");
	assert_int_equal(
	    file_write_atomic(f->dirfd, "root.tpm", p, n / 2, 0600), CL_OK);
	fails(f, CL_ERR_SEALED, "damaged");
	assert_int_equal(
	    file_write_atomic(f->dirfd, "root.tpm", "", 0, 0600), CL_OK);
	fails(f, CL_ERR_SEALED, "damaged");
	secmem_free(p);
}

static void
a_tpm_that_is_gone_is_said(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], again[SEAL_KEY];

	need_tpm(f);
	seals(f, key);
	power_off(f);
	fails(f, CL_ERR_TPM, "no TPM at");
	power_on(f);
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
}

static void
another_tpm_is_said(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY];
	char path[128];

	need_tpm(f);
	seals(f, key);
	power_off(f);
	snprintf(path, sizeof(path), "%s/tpm2-00.permall", folder(f));
	assert_int_equal(unlink(path), 0);
	power_on(f);
	fails(f, CL_ERR_SEALED, "another TPM");
}

static void
an_owner_authorisation_is_said(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], again[SEAL_KEY];

	need_tpm(f);
	seals(f, key);
	tool(f, "tpm2_changeauth -c owner secret");
	fails(f, CL_ERR_TPM, "authorisation value");
	tool(f, "tpm2_changeauth -c owner -p secret");
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
}

static void
configuration_errors_are_said(void **state)
{
	struct fixture *f = *state;
	char reason[SEAL_REASON];
	uint8_t key[SEAL_KEY];
	struct seal_config c = {"sgx", f->dirfd, f->tcti, PCRS};

	need_tpm(f);
	assert_int_equal(seal_root_key(&c, key, reason), CL_ERR_CONFIG);
	assert_non_null(strstr(reason, "sgx"));
	assert_int_equal(tpm_key(f, 0, key, reason), CL_ERR_CONFIG);
	assert_int_equal(tpm_key(f, 1u << 24, key, reason), CL_ERR_CONFIG);
	seals(f, key);
	/* Fewer PCRs than were sealed to. */
	assert_int_equal(tpm_key(f, 1u << 7, key, reason), CL_ERR_CONFIG);
	assert_non_null(strstr(reason, "0x000890"));
	assert_non_null(strstr(reason, "0x000080"));
	c.provider = "tpm";
	c.tcti = NULL;
	assert_int_equal(seal_root_key(&c, key, reason), CL_ERR_CONFIG);
}

/* All PCRs: the TPM gives eight in one answer. */
static void
all_pcrs_may_be_in_the_policy(void **state)
{
	struct fixture *f = *state;
	char reason[SEAL_REASON];
	uint8_t key[SEAL_KEY], again[SEAL_KEY];

	need_tpm(f);
	assert_int_equal(tpm_key(f, 0xffffff, key, reason), CL_OK);
	assert_int_equal(tpm_key(f, 0xffffff, again, reason), CL_OK);
	assert_memory_equal(key, again, SEAL_KEY);
	tool(f, "tpm2_pcrextend 14:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000001");
	assert_int_equal(
	    tpm_key(f, 0xffffff, again, reason), CL_ERR_TPM_POLICY);
	assert_non_null(strstr(reason, "PCR 14"));
}

/* What is opened in the TPM is closed again, also after failures. */
static void
nothing_is_left_in_the_tpm(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY];
	unsigned i;

	need_tpm(f);
	seals(f, key);
	for (i = 0; i < 10; i++)
		seals(f, key);
	rewrite(f, flip_private);
	for (i = 0; i < 10; i++)
		fails(f, CL_ERR_SEALED, "refuses");
	tool(f, "tpm2_pcrextend 7:sha256=00000000000000000000000000000000"
		"00000000000000000000000000000001");
	rewrite(f, flip_private);
	rewrite(f, forge_record);
	for (i = 0; i < 10; i++)
		fails(f, CL_ERR_TPM_POLICY, "policy");
	tool(f, "tpm2_getcap handles-transient | { ! grep -q 0x; }");
	tool(f, "tpm2_getcap handles-loaded-session | { ! grep -q 0x; }");
}

/* Killed at random moments, more often than a TPM has places. */
static void
a_killed_helper_does_not_fill_the_tpm(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SEAL_KEY], again[SEAL_KEY];
	struct timespec pause = {0, 0};
	char reason[SEAL_REASON];
	unsigned i;
	pid_t pid;

	need_tpm(f);
	seals(f, key);
	srand(11);
	for (i = 0; i < 40; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			for (;;)
				if (tpm_key(f, PCRS, again, reason) != 0)
					_exit(1);
		pause.tv_nsec = 1000 * (rand() % 30000);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	seals(f, again);
	assert_memory_equal(key, again, SEAL_KEY);
}

#define tpm_test(f) cmocka_unit_test_setup_teardown(f, make_tpm, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    tpm_test(a_new_process_and_a_rebooted_tpm_give_the_same_key),
	    tpm_test(the_key_is_not_in_the_file),
	    tpm_test(changed_pcrs_are_named),
	    tpm_test(a_forged_record_does_not_help),
	    tpm_test(a_changed_object_is_refused_by_the_tpm),
	    tpm_test(every_flipped_byte_of_the_file_is_damage),
	    tpm_test(a_tpm_that_is_gone_is_said),
	    tpm_test(another_tpm_is_said),
	    tpm_test(an_owner_authorisation_is_said),
	    tpm_test(configuration_errors_are_said),
	    tpm_test(all_pcrs_may_be_in_the_policy),
	    tpm_test(nothing_is_left_in_the_tpm),
	    tpm_test(a_killed_helper_does_not_fill_the_tpm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
