/*
 * Intel: a platform with its PCK certificate, the quoting enclave, the PCS's
 * documents. TDREPORT, by offset (Intel TDX Module ABI specification):
 * REPORTMACSTRUCT 256, TEE_TCB_INFO 239 at 256, TDINFO 512 at 512.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define FAKE_NOW ((int64_t)time(NULL))

#include "tests/fake/vendor.h"
#include "tests/unit/fake_pcs.h"

#define TCB	 256u
#define TCB_N	 239u
#define INFO	 512u
#define INFO_N	 512u
#define MAC	 224u
#define RTMR	 720u
#define DIGEST	 48u
#define REGISTER 4u

static struct fake_intel *intel;
static struct fake_platform platform;
static uint8_t rtmr[REGISTER][DIGEST];
static uint8_t mac_key[32];
static const uint8_t *quoted; /* TDREPORT that a quote is made of */

uint8_t *
intel_register(unsigned i)
{
	assert_true(i < REGISTER);
	return rtmr[i];
}

void
intel_extend(unsigned i, const uint8_t digest[DIGEST])
{
	uint8_t both[2 * DIGEST];

	memcpy(both, intel_register(i), DIGEST);
	memcpy(both + DIGEST, digest, DIGEST);
	assert_int_equal(
	    EVP_Digest(both, sizeof(both), rtmr[i], NULL, EVP_sha384(), NULL),
	    1);
}

static void
edit(uint8_t *body, size_t n)
{
	const uint8_t *r = quoted;

	memcpy(body, r + 264, 16);	 /* tee_tcb_svn */
	memcpy(body + 16, r + 280, 96);	 /* mrseam, mrsignerseam */
	memcpy(body + 112, r + 376, 8);	 /* attributes of the module */
	memcpy(body + 120, r + INFO, 8); /* of the TD */
	memcpy(body + 128, r + 520, 8);	 /* xfam */
	memcpy(body + 136, r + 528, 8 * DIGEST);
	memcpy(body + 520, r + 128, VENDOR_DATA);
	if (n == TDX_BODY_15) {
		memcpy(body + 584, r + 384, 16);
		memcpy(body + 600, r + 912, DIGEST);
	}
}

void
intel_begin(const char *dir)
{
	const struct fake_collateral good = {0};
	struct endorse *bag;

	platform = fake_good_platform();
	platform.edit = edit;
	intel = fake_intel_new(&platform);
	assert_int_equal(crypto_random(mac_key, sizeof(mac_key)), 0);
	bag = fake_bag(intel, &good);
	vendor_save(dir, bag);
	endorse_free(bag);
	vendor_pin(dir, "intel", intel->roots.extra[0].spki);
	vendor_log(dir, false, 1, intel_extend);
}

/* What the CPU puts into the first part, and its MAC. */
static void
seal_tdreport(uint8_t *r, uint8_t mac[32])
{
	size_t n;

	assert_int_equal(
	    EVP_Digest(r + TCB, TCB_N, r + 32, NULL, EVP_sha384(), NULL), 1);
	assert_int_equal(
	    EVP_Digest(r + INFO, INFO_N, r + 80, NULL, EVP_sha384(), NULL), 1);
	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, mac_key,
	    sizeof(mac_key), r, MAC, mac, 32, &n));
}

void
intel_tdreport(const uint8_t data[VENDOR_DATA], const struct how *how,
    uint8_t out[VENDOR_TDREPORT])
{
	memset(out, 0, VENDOR_TDREPORT);
	out[0] = 0x81;
	memcpy(out + 16, platform.comp, 16);
	memcpy(out + 128, data, VENDOR_DATA);
	out[128] ^= how->lie;
	out[TCB] = 0xff;
	out[TCB + 1] = 1;
	memcpy(out + 264, platform.svn, 16);
	memset(out + 280, 0x5e, DIGEST);
	memcpy(out + 384, platform.svn2, 16);
	le64_put(out + INFO, platform.td_attributes | how->debug);
	memcpy(out + 520, "\xe7\x02\x06", 3);
	memset(out + 528, how->other ? 0x6d : 0x4d, DIGEST);
	memcpy(out + RTMR, rtmr, sizeof(rtmr));
	seal_tdreport(out, out + MAC);
}

size_t
intel_quote(const uint8_t tdreport[VENDOR_TDREPORT], const struct how *how,
    uint8_t *out, size_t cap)
{
	uint8_t copy[VENDOR_TDREPORT], mac[32];

	memcpy(copy, tdreport, sizeof(copy));
	seal_tdreport(copy, mac);
	if (memcmp(copy, tdreport, sizeof(copy)) ||
	    memcmp(mac, tdreport + MAC, sizeof(mac)))
		return 0;
	quoted = tdreport;
	platform.version = (uint16_t)how->version;
	platform.body_type = how->version == 5 ? 3 : 2;
	return fake_quote(intel, &platform, out, cap);
}
