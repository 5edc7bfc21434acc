/* sealing/seal: the file provider, for development. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "lib/file.h"
#include "scratch.h"
#include "sealing/seal.h"
#include "sealing/state.h"

static int
file_key(
    const struct scratch *s, uint8_t key[SEAL_KEY], char reason[SEAL_REASON])
{
	struct seal_config c = {"file", s->fd, NULL, 0};

	return seal_root_key(&c, key, reason);
}

/* Others who can read it have the key. */
static void
a_file_that_others_read_is_refused(void **state)
{
	static const mode_t bad[] = {0640, 0604, 0660, 0777};
	struct scratch *s = *state;
	char reason[SEAL_REASON], octal[8];
	uint8_t key[SEAL_KEY];
	size_t i;

	assert_int_equal(file_key(s, key, reason), CL_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(fchmodat(s->fd, "root.key", bad[i], 0), 0);
		assert_int_equal(file_key(s, key, reason), CL_ERR_SEALED);
		snprintf(octal, sizeof(octal), "%04o", bad[i]);
		assert_non_null(strstr(reason, octal));
	}
	assert_int_equal(fchmodat(s->fd, "root.key", 0400, 0), 0);
	assert_int_equal(file_key(s, key, reason), CL_OK);
	/* A link to a key elsewhere is not a file of ours. */
	assert_int_equal(renameat(s->fd, "root.key", s->fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", s->fd, "root.key"), 0);
	assert_int_equal(file_key(s, key, reason), CL_ERR_SEALED);
}

static void
a_damaged_file_is_refused(void **state)
{
	static const char bytes[64] = "not a key of thirty-two bytes";
	struct scratch *s = *state;
	char reason[SEAL_REASON];
	uint8_t key[SEAL_KEY], zero[SEAL_KEY] = {0};
	size_t n;

	for (n = 0; n <= sizeof(bytes); n++) {
		if (n == SEAL_KEY)
			continue;
		assert_int_equal(
		    file_write_atomic(s->fd, "root.key", bytes, n, 0600),
		    CL_OK);
		memset(key, 0xaa, sizeof(key));
		assert_int_equal(file_key(s, key, reason), CL_ERR_SEALED);
		assert_non_null(strstr(reason, "damaged"));
		assert_memory_equal(key, zero, sizeof(key));
	}
}

/* A new key would not open what an older one has sealed. */
static void
no_new_key_beside_sealed_records(void **state)
{
	static const uint8_t blob[] = "a record";
	struct scratch *s = *state;
	char reason[SEAL_REASON];
	uint8_t key[SEAL_KEY];

	assert_int_equal(
	    state_store(s->fd, "tenant", blob, sizeof(blob)), CL_OK);
	assert_int_equal(file_key(s, key, reason), CL_ERR_SEALED);
	assert_non_null(strstr(reason, "root.key is missing"));
	assert_int_equal(
	    faccessat(s->fd, "root.key", F_OK, 0), -1); /* not made */
	assert_int_equal(state_remove(s->fd, "tenant"), CL_OK);
	assert_int_equal(file_key(s, key, reason), CL_OK);
}

static void
a_file_keeps_a_key_for_development(void **state)
{
	struct scratch *s = *state;
	char reason[SEAL_REASON];
	uint8_t key[SEAL_KEY], again[SEAL_KEY];
	struct stat st;

	assert_int_equal(file_key(s, key, reason), CL_OK);
	assert_int_equal(fstatat(s->fd, "root.key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_key(s, again, reason), CL_OK);
	assert_memory_equal(key, again, SEAL_KEY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    scratch_test(a_file_that_others_read_is_refused),
	    scratch_test(a_damaged_file_is_refused),
	    scratch_test(no_new_key_beside_sealed_records),
	    scratch_test(a_file_keeps_a_key_for_development),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
