/* Reports through configfs-tsm, from a file system that behaves as it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "agent/evidence_provider.h"
#include "agent/tsm.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tests/unit/tsmfs.h"

#define SNP   1184u
#define QUOTE 1336u /* of the fake, without padding */

static uint8_t data[64];
static struct tsmfs fs;

/* Counts; a device must not be touched where the kernel has tsm. */
static unsigned opened;

static int
no_open(void *arg, const char *path)
{
	(void)arg;
	(void)path;
	opened++;
	errno = ENOENT;
	return -1;
}

static const struct device no_device = {NULL, no_open, NULL, NULL};

static struct evidence_config
config(void)
{
	return (struct evidence_config){.tsm_root = fs.root,
	    .sev_guest = "/dev/sev-guest",
	    .tdx_guest = "/dev/tdx_guest",
	    .csv_guest = "/dev/csv-guest",
	    .tdx_attest = "/nonexistent",
	    .sev_vmpl = "/nonexistent",
	    .device = &no_device};
}

static int
produce(const struct evidence_provider *p, struct evidence *ev, char *reason)
{
	struct evidence_config c = config();
	int r;

	memset(ev, 0, sizeof(*ev));
	memset(reason, 0, EVIDENCE_REASON);
	opened = 0;
	r = p->produce(&c, data, ev, reason);
	assert_int_equal(tsmfs_left(&fs), 0);
	return r;
}

/* Mounts, or skips the test. */
#define MOUNT(...)                                                             \
	do {                                                                   \
		const char *missing_ = tsmfs_missing();                        \
                                                                               \
		if (missing_) {                                                \
			print_message("skipped: %s\n", missing_);              \
			skip();                                                \
		}                                                              \
		tsmfs_start(&fs, *state, __VA_ARGS__);                         \
	} while (0)

static int
set_up(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	memset(&fs, 0, sizeof(fs));
	return scratch_make(state);
}

static int
tear_down(void **state)
{
	tsmfs_stop(&fs);
	return scratch_remove(state);
}

static void
must_be_snp(struct evidence *ev)
{
	assert_int_equal(ev->raw_n, SNP);
	assert_memory_equal(ev->raw + 0x50, data, sizeof(data));
	evidence_clear(ev);
}

/* ---- what must be refused ---- */

static int
accept_any(const uint8_t *p, size_t n, const uint8_t *d, char *reason)
{
	(void)p;
	(void)n;
	(void)d;
	(void)reason;
	return CL_OK;
}

static void
no_interface_is_no_error(void **state)
{
	struct tsm_request q = {
	    "/nonexistent/tsm", "sev_guest", data, accept_any, NULL};
	char name[TSM_NAME], reason[TSM_REASON];
	struct tsm_report report;

	(void)state;
	assert_int_equal(tsm_provider(q.root, name, reason), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "/nonexistent/tsm"));
	assert_int_equal(tsm_report(&q, &report, reason), CL_ERR_NOT_FOUND);
	assert_null(report.out);
}

/* A folder that is not configfs-tsm: mkdir works, no attribute is there. */
static void
a_plain_folder_is_no_interface(void **state)
{
	struct scratch *s = *state;
	struct tsm_request q = {s->path, "sev_guest", data, accept_any, NULL};
	char reason[TSM_REASON];
	struct tsm_report report;

	assert_int_equal(tsm_report(&q, &report, reason), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "provider"));
	/* The request was removed. */
	assert_int_equal(rmdir(s->path), 0);
	assert_int_equal(mkdir(s->path, 0700), 0);
}

static void
another_provider_is_refused(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--provider", "arm_cca_guest", NULL);
	assert_int_equal(
	    produce(evidence_snp(), &ev, reason), CL_ERR_NOT_FOUND);
	assert_int_equal(opened, 1); /* the device was the next place */
	assert_int_equal(
	    produce(evidence_tdx(), &ev, reason), CL_ERR_NOT_FOUND);
	assert_null(ev.raw);
}

static void
a_lie_is_refused(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--lie", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_ERR_EVIDENCE);
	assert_non_null(strstr(reason, "other report data"));
	assert_null(ev.raw);
	assert_int_equal(opened, 0);
}

static void
a_lying_quote_is_refused(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--provider", "tdx_guest", "--lie", NULL);
	assert_int_equal(produce(evidence_tdx(), &ev, reason), CL_ERR_EVIDENCE);
	assert_int_equal(opened, 0);
}

/* Above all: no second request goes to the device. */
static void
a_failed_report_stays_failed(void **state)
{
	char reason[EVIDENCE_REASON], number[8];
	struct evidence ev;

	snprintf(number, sizeof(number), "%d", EIO);
	MOUNT("--fail", number, NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_ERR_IO);
	assert_non_null(strstr(reason, "outblob"));
	assert_non_null(strstr(reason, strerror(EIO)));
	assert_int_equal(opened, 0);
}

/* ENXIO, when the provider's module goes, looks as if nothing was there. */
static void
a_vanishing_provider_is_no_absence(void **state)
{
	char reason[EVIDENCE_REASON], number[8];
	struct evidence ev;

	snprintf(number, sizeof(number), "%d", ENXIO);
	MOUNT("--fail", number, NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_ERR_IO);
	assert_int_equal(opened, 0);
}

static void
being_busy_for_ever_ends(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;
	time_t began = time(NULL);

	MOUNT("--busy", "1000", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_ERR_TIMEOUT);
	assert_in_range(time(NULL) - began, 5, 60);
	assert_non_null(strstr(reason, strerror(EBUSY)));
	assert_int_equal(opened, 0);
}

static void
a_steady_intruder_wins_nothing(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--race", "1000", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_ERR_TIMEOUT);
	assert_non_null(strstr(reason, "generation"));
	assert_null(ev.raw);
}

/* The fake is as strict as the kernel, or the tests above mean little. */
static void
the_fake_is_strict(void **state)
{
	char path[128], buf[64];
	int fd;

	MOUNT(NULL);
	snprintf(path, sizeof(path), "%s/a", fs.root);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/a/outblob", fs.root);
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
	snprintf(path, sizeof(path), "%s/a/inblob", fs.root);
	assert_true((fd = open(path, O_WRONLY)) >= 0);
	assert_int_equal(write(fd, data, 63), 63);
	assert_int_equal(close(fd), 0);
	snprintf(path, sizeof(path), "%s/a/outblob", fs.root);
	assert_true((fd = open(path, O_RDONLY)) >= 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EINVAL);
	close(fd);
	snprintf(path, sizeof(path), "%s/a/privlevel", fs.root);
	assert_int_equal(open(path, O_WRONLY), -1);
	snprintf(path, sizeof(path), "%s/a", fs.root);
	assert_int_equal(rmdir(path), 0);
}

/* ---- what must work ---- */

static void
an_snp_guest_answers(void **state)
{
	struct evidence_config c;
	char reason[EVIDENCE_REASON];
	const struct evidence_provider *p;
	struct evidence ev;

	MOUNT(NULL);
	c = config();
	opened = 0;
	assert_int_equal(
	    evidence_provider_choose("auto", &c, &p, reason), CL_OK);
	assert_ptr_equal(p, evidence_snp());
	assert_non_null(strstr(reason, "sev_guest"));
	assert_non_null(strstr(reason, fs.root));
	assert_int_equal(opened, 0);
	assert_int_equal(produce(p, &ev, reason), CL_OK);
	assert_int_equal(ev.nblobs, 0); /* an empty table is no endorsement */
	must_be_snp(&ev);
}

static void
certificates_come_along(void **state)
{
	struct scratch *s = *state;
	char path[96], reason[EVIDENCE_REASON];
	struct evidence ev;
	uint8_t table[9000];
	size_t i;

	for (i = 0; i < sizeof(table); i++)
		table[i] = (uint8_t)(i ^ i >> 8);
	assert_int_equal(
	    file_write_new(s->fd, "aux", table, sizeof(table), 0600), CL_OK);
	snprintf(path, sizeof(path), "%s/aux", s->path);
	MOUNT("--aux", path, "--chunk", "7", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_OK);
	assert_int_equal(ev.nblobs, 1);
	assert_int_equal(ev.blobs[0].n, sizeof(table));
	assert_memory_equal(ev.blobs[0].p, table, sizeof(table));
	must_be_snp(&ev);
}

/* More than travels to the engine: left out, the report stays. */
static void
a_huge_table_is_left_out(void **state)
{
	struct scratch *s = *state;
	char path[96], reason[EVIDENCE_REASON];
	uint8_t *table = calloc(1, TSM_AUX_MAX + 1);
	struct evidence ev;

	assert_non_null(table);
	assert_int_equal(
	    file_write_new(s->fd, "aux", table, TSM_AUX_MAX + 1, 0600), CL_OK);
	free(table);
	snprintf(path, sizeof(path), "%s/aux", s->path);
	MOUNT("--aux", path, NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_OK);
	assert_int_equal(ev.nblobs, 0);
	must_be_snp(&ev);
}

/* The fake refuses a report below its floor, and levels in binary. */
static void
the_floor_is_the_level(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--floor", "2", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_OK);
	assert_int_equal(ev.raw[0x30], 2);
	must_be_snp(&ev);
}

static void
a_busy_device_is_asked_again(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--busy", "3", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_OK);
	must_be_snp(&ev);
}

static void
a_throttled_host_is_asked_later(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;
	int i;

	MOUNT("--throttle", "600", NULL);
	for (i = 0; i < 3; i++) {
		assert_int_equal(produce(evidence_snp(), &ev, reason), CL_OK);
		must_be_snp(&ev);
	}
}

static void
an_intruder_is_outlasted(void **state)
{
	char reason[EVIDENCE_REASON];
	struct evidence ev;

	MOUNT("--race", "2", "--late", "1", "--floor", "0", NULL);
	assert_int_equal(produce(evidence_snp(), &ev, reason), CL_OK);
	must_be_snp(&ev);
}

static void
a_tdx_guest_gives_the_quote_alone(void **state)
{
	struct evidence_config c;
	char reason[EVIDENCE_REASON];
	const struct evidence_provider *p;
	struct evidence ev;

	MOUNT("--provider", "tdx_guest", "--pad", "3065", "--chunk", "1000",
	    NULL);
	c = config();
	assert_int_equal(
	    evidence_provider_choose("auto", &c, &p, reason), CL_OK);
	assert_ptr_equal(p, evidence_tdx());
	assert_int_equal(produce(p, &ev, reason), CL_OK);
	assert_int_equal(ev.raw_n, QUOTE);
	assert_memory_equal(ev.raw + 48 + 520, data, sizeof(data));
	assert_int_equal(ev.nblobs, 0);
	evidence_clear(&ev);
}

#define tsm_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    tsm_test(no_interface_is_no_error),
	    tsm_test(a_plain_folder_is_no_interface),
	    tsm_test(another_provider_is_refused),
	    tsm_test(a_lie_is_refused),
	    tsm_test(a_lying_quote_is_refused),
	    tsm_test(a_failed_report_stays_failed),
	    tsm_test(a_vanishing_provider_is_no_absence),
	    tsm_test(being_busy_for_ever_ends),
	    tsm_test(a_steady_intruder_wins_nothing),
	    tsm_test(the_fake_is_strict),
	    tsm_test(an_snp_guest_answers),
	    tsm_test(certificates_come_along),
	    tsm_test(a_huge_table_is_left_out),
	    tsm_test(the_floor_is_the_level),
	    tsm_test(a_busy_device_is_asked_again),
	    tsm_test(a_throttled_host_is_asked_later),
	    tsm_test(an_intruder_is_outlasted),
	    tsm_test(a_tdx_guest_gives_the_quote_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
