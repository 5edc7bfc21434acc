/* lib/secmem: what keeps others, and mistakes, out of the arena. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <cmocka.h>

#include "tests/unit/child.h"

/* First and last bytes of the arena by way of a block that fills it. */
static uint8_t *
whole_arena(void)
{
	uint8_t *p;

	make_arena();
	p = secmem_alloc(ARENA - 16);
	CHECK(p);
	return p;
}

static void
read_above(void)
{
	volatile uint8_t *p = whole_arena();

	p[0] = p[ARENA - 17] = 1; /* the ends themselves are fine */
	(void)p[ARENA - 16];
}

static void
write_above(void)
{
	volatile uint8_t *p = whole_arena();

	p[ARENA - 16 + 4095] = 1;
}

static void
read_below(void)
{
	volatile uint8_t *p = whole_arena();

	(void)p[-17];
}

static void
write_below(void)
{
	volatile uint8_t *p = whole_arena();

	p[-16 - 4096] = 1;
}

static void
guard_pages_stand_at_both_ends(void **state)
{
	(void)state;
	must_die_by(read_above, SIGSEGV);
	must_die_by(write_above, SIGSEGV);
	must_die_by(read_below, SIGSEGV);
	must_die_by(write_below, SIGSEGV);
}

static void
free_twice(void)
{
	void *p, *q;

	make_arena();
	p = secmem_alloc(100);
	q = secmem_alloc(100);
	CHECK(p && q);
	secmem_free(p);
	secmem_free(p);
}

static void
free_twice_merged(void)
{
	void *p, *q;

	make_arena();
	p = secmem_alloc(100);
	q = secmem_alloc(100);
	CHECK(p && q);
	secmem_free(p);
	secmem_free(q);
	secmem_free(q);
}

static void
free_inside(void)
{
	uint8_t *p;

	make_arena();
	p = secmem_alloc(100);
	CHECK(p);
	secmem_free(p + 16);
}

static void
free_unaligned(void)
{
	uint8_t *p;

	make_arena();
	p = secmem_alloc(100);
	CHECK(p);
	secmem_free(p + 1);
}

NO_ASAN static void
scribble(volatile uint8_t *p, ptrdiff_t at)
{
	p[at] ^= 1;
}

static void
overflow_by_one(void)
{
	uint8_t *p, *q;

	make_arena();
	p = secmem_alloc(112);
	q = secmem_alloc(112);
	CHECK(p && q);
	scribble(p, 112);
	secmem_free(p);
}

static void
underflow_by_one(void)
{
	uint8_t *p;

	make_arena();
	p = secmem_alloc(112);
	CHECK(p);
	scribble(p, -1);
	secmem_free(p);
}

static void
misuse_aborts(void **state)
{
	(void)state;
	must_be_caught(free_twice);
	must_be_caught(free_twice_merged);
	must_be_caught(free_inside);
	must_be_caught(free_unaligned);
	must_be_caught(overflow_by_one);
	must_be_caught(underflow_by_one);
}

static void
grandchild_reads(void)
{
	volatile uint8_t *p;
	pid_t pid;
	int status;

	make_arena();
	p = secmem_alloc(100);
	CHECK(p);
	p[0] = 42;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)p[0];
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK(p[0] == 42);
}

static void
a_forked_child_has_no_arena(void **state)
{
	(void)state;
	must_pass(grandchild_reads);
}

static void
look_for_descriptors(void)
{
	char link[64], path[300];
	struct dirent *e;
	ssize_t n;
	DIR *d;

	make_arena();
	d = opendir("/proc/self/fd");
	CHECK(d);
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		CHECK(!strstr(link, "secretmem"));
	}
	closedir(d);
}

static void
no_descriptor_stays_open(void **state)
{
	(void)state;
	must_pass(look_for_descriptors);
}

/* VmFlags of the mapping that p lies in: dontcopy, dontdump, locked. */
static void
look_at_flags(void)
{
	uintptr_t at, from, to;
	char line[512];
	int inside = 0, seen = 0;
	FILE *f;

	make_arena();
	at = (uintptr_t)secmem_alloc(1);
	f = fopen("/proc/self/smaps", "r");
	CHECK(at && f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			inside = at >= from && at < to;
			CHECK(!inside || strstr(line, " rw-"));
		}
		if (!inside || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		CHECK(strstr(line, " dc") && strstr(line, " dd"));
		CHECK(strstr(line, " lo"));
		seen = 1;
	}
	fclose(f);
	CHECK(seen);
}

static void
the_mapping_is_locked_and_not_dumped(void **state)
{
	(void)state;
	must_pass(look_at_flags);
}

/* The kernel must refuse what a debugger does; plain memory is the control. */
static void
read_through_the_kernel(void)
{
	uint8_t copy[8], plain[8] = "control", *p;
	struct iovec to = {copy, 8}, from = {plain, 8};

	make_arena();
	p = secmem_alloc(8);
	CHECK(p);
	memcpy(p, "secret!", 8);
	CHECK(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 8);
	from.iov_base = p;
	if (strcmp(secmem_kind(), "memfd_secret") == 0)
		CHECK(process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0);
	else
		CHECK(strcmp(secmem_kind(), "mlock") == 0);
}

static void
the_kernel_cannot_read_for_others(void **state)
{
	(void)state;
	must_pass(read_through_the_kernel);
}

static void
seal_it(void)
{
	uint8_t *p, *page;
	int r;

	make_arena();
	p = secmem_alloc(10000);
	CHECK(p);
	page = p + 4096 - (uintptr_t)p % 4096;
	CHECK(mprotect(page, 4096, PROT_READ) == 0);
	CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	r = secmem_seal();
	if (r == CL_ERR_UNSUPPORTED)
		return; /* kernels before 6.10 */
	CHECK(r == CL_OK);
	CHECK(mprotect(page, 4096, PROT_READ) != 0);
	CHECK(munmap(page, 4096) != 0);
	secmem_free(p);
	CHECK(secmem_alloc(20000));
}

static void
a_sealed_mapping_stays(void **state)
{
	(void)state;
	must_pass(seal_it);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(misuse_aborts),
	    cmocka_unit_test(guard_pages_stand_at_both_ends),
	    cmocka_unit_test(a_forked_child_has_no_arena),
	    cmocka_unit_test(no_descriptor_stays_open),
	    cmocka_unit_test(the_mapping_is_locked_and_not_dumped),
	    cmocka_unit_test(the_kernel_cannot_read_for_others),
	    cmocka_unit_test(a_sealed_mapping_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
