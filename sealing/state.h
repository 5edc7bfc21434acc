/*
 * Sealed records of the engine: AES-256-GCM under
 * HKDF(root sealing key, "cloister state v1\0" ‖ name). The broker stores and
 * returns the blobs without being able to read or forge them.
 */
#ifndef CLOISTER_SEALING_STATE_H
#define CLOISTER_SEALING_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define STATE_NAME_MAX 63u /* letters, digits, '-', '.', not first '.' */
#define STATE_BLOB_MAX 65536u
#define STATE_OVERHEAD (8u + 8u + 12u + 16u) /* magic, version, nonce, tag */

/* version: rises with every store of the name; bound as associated data. */
CL_MUST_CHECK int state_seal(const uint8_t root[32], const char *name,
    uint64_t version, const uint8_t *p, size_t n, uint8_t *blob);
/* out: n - STATE_OVERHEAD bytes. CL_ERR_SEALED. */
CL_MUST_CHECK int state_open(const uint8_t root[32], const char *name,
    const uint8_t *blob, size_t n, uint64_t *version, uint8_t *out);

/* The broker's side: files "NAME.blob" in the state directory, written with
 * file_write_atomic. */
CL_MUST_CHECK int state_store(
    int dirfd, const char *name, const uint8_t *blob, size_t n);
/* *out secmem. CL_ERR_NOT_FOUND. */
CL_MUST_CHECK int state_load(
    int dirfd, const char *name, uint8_t **out, size_t *n);
/* Calls f for each stored name; stops at the first non-zero. */
CL_MUST_CHECK int state_each(
    int dirfd, int (*f)(void *arg, const char *name), void *arg);
CL_MUST_CHECK int state_remove(int dirfd, const char *name);

#endif
