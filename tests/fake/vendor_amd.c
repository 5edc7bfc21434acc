/* AMD: a chip, its VCEK, the ASK and the ARK. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define FAKE_NOW ((int64_t)time(NULL))

#include "tests/fake/vendor.h"
#include "tests/unit/fake_amd.h"

#define ENTRY	24u
#define FIRST	0x2000u /* where the certificates begin */
#define DEBUG	0x08u	/* bit 19 of the policy */
#define CERTS_N 3u

static struct fake_amd amd;

/* What is being asked. */
static struct {
	const uint8_t *data;
	unsigned vmpl;
	const struct how *how;
} now;

static void
edit(uint8_t *report)
{
	if (!now.data)
		return;
	memcpy(report + 0x50, now.data, VENDOR_DATA);
	report[0x50] ^= now.how->lie;
	le32_put(report + 0x30, now.vmpl);
	if (now.how->other)
		memset(report + 0x90, 0x6d, 48);
	if (now.how->debug)
		report[0x0a] |= DEBUG;
}

void
amd_begin(const char *dir, const struct how *how)
{
	static const char *const keys[] = {
	    "amd-milan", "amd-genoa", "amd-turin"};
	static const enum root_vendor products[] = {
	    ROOT_AMD_MILAN, ROOT_AMD_GENOA, ROOT_AMD_TURIN};

	amd.product = products[how->product];
	amd.version = how->product == 2 ? 5 : 3;
	amd.crl = true;
	amd.edit = edit;
	fake_amd_make(&amd);
	vendor_save(dir, amd.bag);
	vendor_pin(dir, keys[how->product], amd.roots.extra[0].spki);
}

/* The bag has ARK, ASK, VCEK in this order. */
size_t
amd_certs(uint8_t *out, size_t cap)
{
	static const uint8_t guids[CERTS_N][16] = {
	    {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f,
		0xb6, 0x01, 0x4c, 0xd0, 0xae},
	    {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05,
		0xae, 0xf3, 0x27, 0xc7, 0x82},
	    {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4,
		0xb9, 0x3b, 0xe8, 0xac, 0xcd}};
	size_t at = FIRST;
	unsigned i;

	assert_true(cap >= FIRST);
	memset(out, 0, FIRST);
	for (i = 0; i < CERTS_N; i++) {
		unsigned char *der = NULL;
		int n = i2d_X509(amd.bag->certs[i], &der);

		assert_true(n > 0 && at + (size_t)n <= cap);
		memcpy(out + at, der, (size_t)n);
		memcpy(out + i * ENTRY, guids[i], 16);
		le32_put(out + i * ENTRY + 16, (uint32_t)at);
		le32_put(out + i * ENTRY + 20, (uint32_t)n);
		at += (size_t)n;
		OPENSSL_free(der);
	}
	return at;
}

void
amd_report(const uint8_t data[VENDOR_DATA], unsigned vmpl,
    const struct how *how, uint8_t out[VENDOR_REPORT])
{
	now.data = data;
	now.vmpl = vmpl;
	now.how = how;
	fake_amd_make_report(&amd);
	memcpy(out, amd.report, VENDOR_REPORT);
}
