#include "tests/fake/vendor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/buf.h"

#define LOG_MAX	   1024u
#define ALG_SHA384 0x0cu
#define ALG_SM3	   0x12u
#define NO_ACTION  3u
#define EVENT_TAG  6u

void
vendor_write(const char *dir, const char *name, const void *p, size_t n)
{
	char path[4096], draft[4096 + 8];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(draft, sizeof(draft), "%s.new", path);
	f = fopen(draft, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(draft, path), 0);
}

static void
save(const char *dir, const char *kind, unsigned i, const void *p, int n)
{
	char name[64];

	assert_true(n > 0);
	snprintf(name, sizeof(name), "endorsements/%s%u", kind, i);
	vendor_write(dir, name, p, (size_t)n);
}

void
vendor_save(const char *dir, const struct endorse *bag)
{
	unsigned char *der;
	char path[4096];
	unsigned i;
	int n;

	snprintf(path, sizeof(path), "%s/endorsements", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	for (i = 0; i < bag->ncerts; i++) {
		der = NULL;
		n = i2d_X509(bag->certs[i], &der);
		save(dir, "cert", i, der, n);
		OPENSSL_free(der);
	}
	for (i = 0; i < bag->ncrls; i++) {
		der = NULL;
		n = i2d_X509_CRL(bag->crls[i], &der);
		save(dir, "crl", i, der, n);
		OPENSSL_free(der);
	}
	for (i = 0; i < bag->ndocs; i++)
		save(dir, "doc", i, bag->docs[i].p, (int)bag->docs[i].n);
}

void
vendor_pin(const char *dir, const char *key, const uint8_t spki[32])
{
	char hex[65], text[256];
	unsigned i;

	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", spki[i]);
	snprintf(text, sizeof(text),
	    "{\"v\":1,\"test_roots\":{\"%s\":[\"%s\"]}}\n", key, hex);
	vendor_write(dir, "roots.json", text, strlen(text));
}

/* ---- the firmware's log (TCG PC Client Platform Firmware Profile) ---- */

static void
log_header(struct wr *w, uint16_t alg, uint16_t digest_n)
{
	static const uint8_t zeros[20];
	const uint8_t *spec = (const uint8_t *)"Spec ID Event03";

	assert_true(!wr_u32(w, 0) && !wr_u32(w, NO_ACTION) &&
		    !wr_bytes(w, zeros, 20) &&
		    !wr_u32(w, 16 + 4 + 4 + 4 + 4 + 1));
	assert_true(!wr_bytes(w, spec, 16) && !wr_u32(w, 0) && !wr_u8(w, 0) &&
		    !wr_u8(w, 2) && !wr_u8(w, 0) && !wr_u8(w, 2) &&
		    !wr_u32(w, 1) && !wr_u16(w, alg) && !wr_u16(w, digest_n) &&
		    !wr_u8(w, 0));
}

void
vendor_log(const char *dir, bool sm3, unsigned mr,
    void (*extend)(unsigned i, const uint8_t *digest))
{
	static const char *const events[] = {
	    "variables of the firmware", "boot loader", "root file system"};
	uint16_t alg = sm3 ? ALG_SM3 : ALG_SHA384, n = sm3 ? 32 : 48;
	uint8_t text[LOG_MAX], digest[EVP_MAX_MD_SIZE], *end;
	struct wr w = wr_make(text, sizeof(text));
	size_t len;
	unsigned i;

	log_header(&w, alg, n);
	for (i = 0; i < 3; i++) {
		len = strlen(events[i]);
		assert_int_equal(EVP_Digest(events[i], len, digest, NULL,
				     sm3 ? EVP_sm3() : EVP_sha384(), NULL),
		    1);
		extend(i, digest);
		assert_true(!wr_u32(&w, mr + i) && !wr_u32(&w, EVENT_TAG) &&
			    !wr_u32(&w, 1) && !wr_u16(&w, alg) &&
			    !wr_bytes(&w, digest, n) &&
			    !wr_u32(&w, (uint32_t)len) &&
			    !wr_bytes(&w, events[i], len));
	}
	/* The table's area is larger than the log. */
	assert_int_equal(wr_reserve(&w, &end, 256), 0);
	memset(end, 0xff, 256);
	vendor_write(dir, "ccel", text, w.len);
}
