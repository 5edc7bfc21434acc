/* Hygon: a chip with its CEK, a PEK of the machine's owner, registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/fake/vendor.h"
#include "tests/unit/fake_hygon.h"

#define HASHED	 80u
#define DIGEST	 32u
#define REGISTER 5u
#define NODBG	 0x01u
#define ES	 0x04u
#define CSV3	 0x40u

static struct fake_hygon *hygon;
static uint8_t registers[REGISTER][DIGEST];

/* What is being asked. */
static struct {
	uint8_t data[VENDOR_DATA], mnonce[16];
	const struct how *how;
} now;

uint8_t *
hygon_register(unsigned i)
{
	assert_true(i < REGISTER);
	return registers[i];
}

void
hygon_extend(unsigned i, const uint8_t digest[DIGEST])
{
	uint8_t both[2 * DIGEST];

	memcpy(both, hygon_register(i), DIGEST);
	memcpy(both + DIGEST, digest, DIGEST);
	assert_int_equal(
	    EVP_Digest(both, sizeof(both), registers[i], NULL, EVP_sm3(), NULL),
	    1);
}

/* The registers after the first, which is the launch measure. */
static void
extend_later(unsigned i, const uint8_t *digest)
{
	hygon_extend(i + 1, digest);
}

void
hygon_begin(const char *dir)
{
	struct endorse *bag;

	hygon = fake_hygon_new();
	bag = fake_hygon_bag(hygon);
	vendor_save(dir, bag);
	endorse_free(bag);
	vendor_pin(dir, "hygon", hygon->roots.extra[0].spki);
	memset(registers[0], 0x55, DIGEST);
	vendor_log(dir, true, 1, extend_later);
}

static void
edit(uint8_t *head)
{
	memcpy(head + 0x40, now.data, VENDOR_DATA);
	head[0x40] ^= now.how->lie;
	memcpy(head + 0x80, now.mnonce, sizeof(now.mnonce));
	if (now.how->version > 1)
		memcpy(head + 0xd0, registers, sizeof(registers));
	if (now.how->other)
		memset(head + 0x90, 0x6d, DIGEST);
}

bool
hygon_report(uint8_t page[VENDOR_PAGE], const struct how *how)
{
	struct fake_csv f = {.version = how->version,
	    .user_data = "",
	    .serial = "FAKE0000000001",
	    .policy = ES | (how->debug ? 0 : NODBG),
	    .sealing_key = true,
	    .edit = edit};
	uint8_t hash[DIGEST];

	assert_int_equal(
	    EVP_Digest(page, HASHED, hash, NULL, EVP_sm3(), NULL), 1);
	if (memcmp(hash, page + HASHED, DIGEST))
		return false;
	/* Without the longer request the older report is what comes. */
	if (memcmp(page + 112, "ATTESTATION_EXT", 16) || how->version == 1)
		f.version = 1;
	else
		f.policy |= CSV3;
	assert_int_equal(crypto_random(f.anonce, sizeof(f.anonce)), 0);
	memcpy(now.data, page, VENDOR_DATA);
	memcpy(now.mnonce, page + VENDOR_DATA, sizeof(now.mnonce));
	now.how = how;
	fake_csv_report(hygon, &f, page);
	return true;
}
