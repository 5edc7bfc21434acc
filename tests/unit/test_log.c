/* lib/log: one event is one line, whatever it contains. */
#include <errno.h>
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

#include "lib/log.h"

static char seen[2048];
static enum log_level seen_level;
static unsigned count;

static void
sink(enum log_level level, const char *line)
{
	snprintf(seen, sizeof(seen), "%s", line);
	seen_level = level;
	count++;
	errno = EIO; /* what a sink does must not leak to the caller */
}

static int
setup(void **state)
{
	(void)state;
	log_start("tester", LOG_LEVEL_DEBUG, sink);
	seen[0] = '\0';
	count = 0;
	return 0;
}

static void
control_characters_are_replaced(void **state)
{
	char all[256];
	unsigned i;

	(void)state;
	for (i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	log_info("%s", all);
	assert_int_equal(strlen(seen), 255);
	for (i = 0; seen[i]; i++) {
		assert_true((unsigned char)seen[i] >= 0x20);
		assert_true(seen[i] != 0x7f);
	}
	log_info("a\nb\rc\033[31md\xc2\x9b"
		 "e");
	assert_string_equal(seen, "a?b?c?[31md??e");
	log_line(LOG_LEVEL_ERROR, "x\ny");
	assert_string_equal(seen, "x?y");
}

static void
utf8_is_kept(void **state)
{
	(void)state;
	log_info("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xc2\xa9");
	assert_string_equal(seen, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xc2\xa9");
}

static void
long_lines_are_cut_and_say_so(void **state)
{
	char big[3000];
	size_t n;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	big[1023] = '\0';
	log_info("%s", big);
	assert_string_equal(seen, big);
	big[1023] = 'x';
	big[1024] = '\0';
	log_info("%s", big);
	assert_true(strlen(seen) < 1024);
	assert_string_equal(seen + strlen(seen) - 3, "...");
	/* Cut in the middle of two-byte characters, at both parities. */
	for (n = 0; n < 2; n++) {
		size_t i;

		memset(big, 'y', sizeof(big));
		for (i = n; i + 1 < 2998; i += 2)
			memcpy(big + i, "\xc3\xbc", 2);
		big[2998] = '\0';
		log_line(LOG_LEVEL_INFO, big);
		i = strlen(seen) - 3;
		assert_string_equal(seen + i, "...");
		assert_int_equal((unsigned char)seen[i - 1], 0xbc);
	}
}

static void
levels_are_filtered(void **state)
{
	(void)state;
	log_start("tester", LOG_LEVEL_WARNING, sink);
	log_info("no");
	log_debug("no");
	log_line(LOG_LEVEL_DEBUG, "no");
	assert_int_equal(count, 0);
	log_warning("yes");
	log_error("yes");
	log_line(LOG_LEVEL_ERROR, "yes");
	assert_int_equal(count, 3);
	assert_int_equal(seen_level, LOG_LEVEL_ERROR);
}

static void
errno_is_kept(void **state)
{
	(void)state;
	errno = ENOENT;
	log_error("%d", 1);
	assert_int_equal(errno, ENOENT);
}

/* Runs f with standard error in a file; gives back what was written. */
static void
capture(void (*f)(void), char *out, size_t cap, int journal)
{
	FILE *file = tmpfile();
	int fd, saved = dup(STDERR_FILENO);
	struct stat st;
	char env[64];
	ssize_t n;

	assert_non_null(file);
	fd = fileno(file);
	assert_true(saved >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	snprintf(env, sizeof(env), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino + !journal);
	setenv("JOURNAL_STREAM", env, 1);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	f();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	unsetenv("JOURNAL_STREAM");
	n = pread(fd, out, cap - 1, 0);
	assert_true(n >= 0);
	out[n] = '\0';
	fclose(file);
	close(saved);
}

static void
speak(void)
{
	log_start("tester", LOG_LEVEL_DEBUG, NULL);
	log_error("one\n%s", "two");
	log_warning("w");
	log_info("i");
	log_debug("d");
}

static void
stderr_lines_carry_the_program(void **state)
{
	char out[4096];

	(void)state;
	capture(speak, out, sizeof(out), 0);
	assert_string_equal(out,
	    "tester: error: one?two\ntester: warning: w\ntester: i\n"
	    "tester: debug: d\n");
}

static void
journal_lines_carry_the_priority(void **state)
{
	char out[4096];

	(void)state;
	capture(speak, out, sizeof(out), 1);
	assert_string_equal(out, "<3>one?two\n<4>w\n<6>i\n<7>d\n");
}

/* A closed standard error must neither loop nor kill. */
static void
no_stderr_is_survived(void **state)
{
	int saved = dup(STDERR_FILENO);

	(void)state;
	log_start("tester", LOG_LEVEL_DEBUG, NULL);
	close(STDERR_FILENO);
	errno = 0;
	log_error("nobody hears");
	assert_int_equal(errno, 0);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(control_characters_are_replaced, setup),
	    cmocka_unit_test_setup(utf8_is_kept, setup),
	    cmocka_unit_test_setup(long_lines_are_cut_and_say_so, setup),
	    cmocka_unit_test_setup(levels_are_filtered, setup),
	    cmocka_unit_test_setup(errno_is_kept, setup),
	    cmocka_unit_test(stderr_lines_carry_the_program),
	    cmocka_unit_test(journal_lines_carry_the_priority),
	    cmocka_unit_test(no_stderr_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
