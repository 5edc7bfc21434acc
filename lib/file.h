/* Whole files, the crash-safe way. Paths may be relative to dirfd. */
#ifndef CLOISTER_LIB_FILE_H
#define CLOISTER_LIB_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

/* Reads a regular file of at most max bytes into fresh secmem (caller frees
 * with secmem_free); a NUL follows the bytes. CL_ERR_NOT_FOUND, _TOO_LARGE,
 * _IO, _PERMISSION. */
CL_MUST_CHECK int file_read(
    int dirfd, const char *path, size_t max, uint8_t **out, size_t *n);
/* New file beside, fsync, rename, fsync of the folder: a reader sees the old
 * or the new content, whatever is killed when. */
CL_MUST_CHECK int file_write_atomic(
    int dirfd, const char *path, const void *p, size_t n, mode_t mode);
/* Fails with CL_ERR_EXISTS when the path is there. */
CL_MUST_CHECK int file_write_new(
    int dirfd, const char *path, const void *p, size_t n, mode_t mode);

#endif
