/* agent/measure_tdx, _csv: registers of guests, behind stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "agent/measure.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tests/unit/fake_devices.h"
#include "tests/unit/scratch.h"

static char path[96], folder[96], reason[EVIDENCE_REASON];
static struct evidence_config c;
static uint8_t binary[32], config[32];

static int
set_up(void **state)
{
	struct scratch *s;

	scratch_make(state);
	s = *state;
	memset(&m, 0, sizeof(m));
	m.has = "/dev/csv";
	snprintf(path, sizeof(path), "%s/eventlog", s->path);
	snprintf(folder, sizeof(folder), "%s/measurements", s->path);
	c = (struct evidence_config){.csv_guest = "/dev/csv",
	    .device = &fake,
	    .tdx_measurements = folder,
	    .runtime_log = path,
	    .ccel = ""};
	memset(binary, 0xb1, sizeof(binary));
	memset(config, 0xc1, sizeof(config));
	return 0;
}

static int
start(struct measure_register r)
{
	return measure_register(&r, path, binary, config, reason);
}

/* What --check-config prints. */
static const char *
explain(const char *tee)
{
	static char text[1024];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	measure_explain(&c, tee, f);
	fclose(f);
	return text;
}

/* ---- TDX ---- */

static void
no_rtmr_file(void **state)
{
	(void)state;
	assert_int_equal(start(measure_tdx(&c)), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "measurements/rtmr3:sha384"));
	assert_non_null(strstr(reason, "6.16"));
	assert_non_null(strstr(explain("tdx"), "none: RTMR3 cannot be"));
	assert_int_equal(access(path, F_OK), -1);
	measure_start(&c, "tdx", binary, config);
	assert_int_equal(access(path, F_OK), -1);
}

static void
a_file_that_is_no_register(void **state)
{
	static const uint8_t zeros[49];
	static const size_t sizes[] = {0, 47, 49, 48};
	struct runtime_log log;
	char file[128];
	size_t i;

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(file, sizeof(file), "%s/rtmr3:sha384", folder);
	for (i = 0; i < 4; i++) {
		assert_int_equal(
		    file_write_atomic(AT_FDCWD, file, zeros, sizes[i], 0600),
		    CL_OK);
		/* The last is as long, but keeps what is written. */
		assert_int_equal(start(measure_tdx(&c)),
		    i == 3 ? CL_ERR_EVIDENCE : CL_ERR_FORMAT);
		if (i < 3)
			assert_non_null(strstr(reason, "expected 48 bytes"));
	}
	assert_int_equal(runtime_log_load(path, &log), CL_OK);
}

/* ---- CSV ---- */

static void
no_csv_registers(void **state)
{
	static const int errors[][2] = {{ENOTTY, CL_ERR_NOT_FOUND},
	    {ENODEV, CL_ERR_NOT_FOUND}, {EIO, CL_ERR_IO}, {EINVAL, CL_ERR_IO}};
	static const uint8_t zeros[32];
	uint16_t command;
	size_t i;

	(void)state;
	assert_int_equal(start(measure_csv(&c)), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(reason, "CSV3"));
	assert_non_null(strstr(explain("csv"), "none: CSV register 4"));
	m.registers = true;
	for (command = 1; command <= 4; command++)
		for (i = 0; i < 4; i++) {
			m.reg_fail = command;
			m.error = errors[i][0];
			m.reg_state = 0;
			config[0]++;
			assert_int_equal(start(measure_csv(&c)), errors[i][1]);
			assert_non_null(strstr(reason, "/dev/csv"));
			assert_non_null(strstr(reason, strerror(m.error)));
			m.error = 0;
			m.reg_fw = 0x1234;
			m.reg_state = 0;
			/* The firmware's error beside a good result; where it
			 * extends in spite of it, the register tells. */
			assert_int_equal(start(measure_csv(&c)),
			    command == 4 ? CL_OK : CL_ERR_IO);
			if (command != 4)
				assert_non_null(strstr(reason, "0x1234"));
		}
	m.reg_fail = 0;
	m.reg_other = true;
	assert_int_equal(start(measure_csv(&c)), CL_ERR_FORMAT);
	m.has = "/dev/other";
	m.open_errno = EACCES;
	assert_int_equal(start(measure_csv(&c)), CL_ERR_PERMISSION);
	assert_memory_equal(m.reg[3], zeros, 32);
}

static void
csv_register_4_is_extended(void **state)
{
	static const uint8_t zeros[32];
	uint8_t expected[32] = {0}, digest[32], *p = NULL;
	struct eventlog_registers regs;
	char text[256] = "\x4c\x45\x41\x41";
	struct runtime_log log;
	int i, k, len = 8;
	size_t n;

	(void)state;
	m.registers = true;
	assert_non_null(strstr(explain("csv"),
	    "measured start = CSV register 4: through /dev/csv"));
	/* Explaining starts and extends nothing. */
	assert_int_equal(m.reg_state, 0);
	assert_int_equal(m.reg_calls[2] + m.reg_calls[4], 0);
	len += sprintf(text + len, "cloister start {\"binary\":\"");
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 32; i++)
			len += sprintf(text + len, k ? "c1" : "b1");
		len += sprintf(text + len, k ? "\"}" : "\",\"config\":\"");
	}
	text[4] = (char)(len - 8);
	assert_int_equal(
	    EVP_Digest(text, (size_t)len, digest, NULL, EVP_sm3(), NULL), 1);
	csv_grow(expected, digest);
	for (i = 0; i < 3; i++) {
		assert_int_equal(start(measure_csv(&c)), CL_OK);
		assert_memory_equal(m.reg[4], expected, 32);
	}
	assert_int_equal(m.reg_calls[2], 1);
	assert_int_equal(m.reg_calls[4], 1);
	for (i = 0; i < 4; i++)
		assert_memory_equal(m.reg[i], zeros, 32);
	assert_int_equal(runtime_log_load(path, &log), CL_OK);
	assert_int_equal(
	    runtime_log_merge(&log, EVENTLOG_CSV, NULL, 0, &p, &n), CL_OK);
	assert_int_equal(eventlog_replay(p, n, EVENTLOG_CSV, 0, &regs), CL_OK);
	assert_memory_equal(regs.value[4], m.reg[4], 32);
	secmem_free(p);
	/* Firmware that was started already is not started again. */
	config[0] ^= 1;
	assert_int_equal(start(measure_csv(&c)), CL_OK);
	assert_int_equal(m.reg_calls[2], 1);
	assert_int_equal(m.reg_calls[4], 2);
}

/* ---- none ---- */

static void
guests_without_a_register(void **state)
{
	(void)state;
	assert_non_null(strstr(explain("snp"), "none: snp has no register"));
	assert_non_null(strstr(explain("sim"), "measure_pcr"));
	measure_start(&c, "snp", binary, config);
	assert_int_equal(access(path, F_OK), -1);
	c.measure_pcr = 15;
	c.tpm_tcti = "swtpm:path=/nonexistent/t";
	assert_non_null(strstr(explain("snp"), "none: PCR 15"));
	assert_int_equal(start(measure_tpm(&c)), CL_ERR_TPM);
	assert_non_null(strstr(reason, "/nonexistent/t"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, scratch_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(no_rtmr_file),
	    TEST(a_file_that_is_no_register),
	    TEST(no_csv_registers),
	    TEST(csv_register_4_is_extended),
	    TEST(guests_without_a_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
