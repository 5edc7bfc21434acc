/*
 * Cipher suites as rows of one table, so that another library can serve one.
 * A context is the expanded key, in memory that the caller gives (secmem).
 */
#ifndef CLOISTER_TDE_SUITE_H
#define CLOISTER_TDE_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

struct suite {
	uint8_t id;	    /* enum cell_suite */
	const char *name;   /* "aes-256-gcm", "aes-256-siv" */
	bool deterministic; /* no nonce, encryptor 0 */
	size_t key_len;	    /* 32, or 64 for SIV */
	size_t nonce_len;   /* 12, or 0 */
	size_t context_size;
	CL_MUST_CHECK int (*init)(void *context, const uint8_t *key);
	/* Releases what init took beside the context's own bytes; wipes. */
	void (*clear)(void *context);
	/* out: n bytes; tag: 16 bytes. May be called by one thread at a time
	 * per context unless shared is set. */
	CL_MUST_CHECK int (*seal)(void *context, const uint8_t *nonce,
	    const uint8_t *aad, size_t aad_len, const uint8_t *pt, size_t n,
	    uint8_t *out, uint8_t *tag);
	/* CL_ERR_BAD_CELL when the tag does not verify; out is then wiped. */
	CL_MUST_CHECK int (*open)(void *context, const uint8_t *nonce,
	    const uint8_t *aad, size_t aad_len, const uint8_t *ct, size_t n,
	    const uint8_t *tag, uint8_t *out);
	bool shared; /* a context may serve several threads at once */
};

/* NULL when unknown. */
const struct suite *suite_by_id(uint8_t id);
/* NULL when unknown; *refused (may be NULL) says why a known-bad name such as
 * "des" or "aes-256-ecb" will never be one. */
const struct suite *suite_by_name(const char *name, const char **refused);

/*
 * Initialises the libraries behind the suites and runs each call once. After
 * secmem_hook_libraries, before a system call filter; others may leave it out.
 * CL_ERR_CRYPTO when a suite does not work here.
 */
CL_MUST_CHECK int suite_start(void);

#endif
