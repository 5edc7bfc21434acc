#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "sealing/state.h"

#define SUFFIX	    ".blob"
#define LABEL	    "cloister state v1" /* in the HKDF info with its NUL */
#define VERSION_AT  8u
#define NONCE_AT    16u
#define CONTENTS_AT 28u

static const uint8_t magic[8] = {'C', 'L', 'S', 'T', 'A', 'T', 'E', '1'};

static bool
name_is_good(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-.";
	size_t n = strlen(name);

	return n > 0 && n <= STATE_NAME_MAX && name[0] != '.' &&
	       strspn(name, allowed) == n;
}

static int
key_of(const uint8_t root[32], const char *name, uint8_t key[CRYPTO_KEY])
{
	uint8_t info[sizeof(LABEL) + STATE_NAME_MAX];
	size_t n = strlen(name);

	memcpy(info, LABEL, sizeof(LABEL));
	memcpy(info + sizeof(LABEL), name, n);
	return crypto_hkdf(
	    root, 32, NULL, 0, info, sizeof(LABEL) + n, key, CRYPTO_KEY);
}

/* Magic and version are the associated data; the name is in the key. */
static struct crypto_part
bound(const uint8_t *blob)
{
	struct crypto_part part = {blob, NONCE_AT};

	return part;
}

int
state_seal(const uint8_t root[32], const char *name, uint64_t version,
    const uint8_t *p, size_t n, uint8_t *blob)
{
	struct crypto_part aad = bound(blob);
	uint8_t key[CRYPTO_KEY];
	int r;

	if (!name_is_good(name))
		return CL_ERR_ARGUMENT;
	if (n > STATE_BLOB_MAX - STATE_OVERHEAD)
		return CL_ERR_TOO_LARGE;
	memcpy(blob, magic, sizeof(magic));
	le64_put(blob + VERSION_AT, version);
	if ((r = crypto_random(blob + NONCE_AT, CRYPTO_NONCE)) != 0 ||
	    (r = key_of(root, name, key)) != 0)
		return r;
	r = crypto_aead_seal(CRYPTO_AES_256_GCM, key, blob + NONCE_AT, &aad, p,
	    n, blob + CONTENTS_AT);
	secmem_wipe(key, sizeof(key));
	return r;
}

int
state_open(const uint8_t root[32], const char *name, const uint8_t *blob,
    size_t n, uint64_t *version, uint8_t *out)
{
	struct crypto_part aad = bound(blob);
	uint8_t key[CRYPTO_KEY];
	int r;

	if (!name_is_good(name))
		return CL_ERR_ARGUMENT;
	if (n < STATE_OVERHEAD || n > STATE_BLOB_MAX ||
	    !secmem_equal(blob, magic, sizeof(magic)))
		return CL_ERR_SEALED;
	if ((r = key_of(root, name, key)) != 0)
		return r;
	r = crypto_aead_open(CRYPTO_AES_256_GCM, key, blob + NONCE_AT, &aad,
	    blob + CONTENTS_AT, n - CONTENTS_AT, out);
	secmem_wipe(key, sizeof(key));
	if (r == CL_ERR_KEY_UNWRAP)
		return CL_ERR_SEALED;
	if (r == 0)
		*version = le64_get(blob + VERSION_AT);
	return r;
}

/* The name of the file that keeps a record. */
struct path {
	char p[STATE_NAME_MAX + sizeof(SUFFIX)];
};

static int
path_of(const char *name, struct path *path)
{
	if (!name_is_good(name))
		return CL_ERR_ARGUMENT;
	(void)snprintf(path->p, sizeof(path->p), "%s" SUFFIX, name);
	return CL_OK;
}

int
state_store(int dirfd, const char *name, const uint8_t *blob, size_t n)
{
	struct path path;
	int r;

	if (n > STATE_BLOB_MAX)
		return CL_ERR_TOO_LARGE;
	if ((r = path_of(name, &path)) != 0)
		return r;
	return file_write_atomic(dirfd, path.p, blob, n, 0600);
}

int
state_load(int dirfd, const char *name, uint8_t **out, size_t *n)
{
	struct path path;
	int r;

	if ((r = path_of(name, &path)) != 0)
		return r;
	return file_read(dirfd, path.p, STATE_BLOB_MAX, out, n);
}

/* "NAME.blob" to NAME; false for files that are none of ours. */
static bool
record_name(const char *file, char name[STATE_NAME_MAX + 1])
{
	size_t n = strlen(file), suffix = sizeof(SUFFIX) - 1;

	if (n <= suffix || n - suffix > STATE_NAME_MAX ||
	    strcmp(file + n - suffix, SUFFIX) != 0)
		return false;
	memcpy(name, file, n - suffix);
	name[n - suffix] = '\0';
	return name_is_good(name);
}

int
state_each(int dirfd, int (*f)(void *arg, const char *name), void *arg)
{
	char name[STATE_NAME_MAX + 1];
	struct dirent *entry;
	DIR *dir;
	int fd, r = CL_OK;

	/* A descriptor of its own: the position of dirfd is shared. */
	if ((fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return CL_ERR_IO;
	if (!(dir = fdopendir(fd))) {
		close(fd);
		return CL_ERR_MEMORY;
	}
	for (;;) {
		errno = 0;
		if (!(entry = readdir(dir)))
			break;
		if (record_name(entry->d_name, name) && (r = f(arg, name)) != 0)
			break;
	}
	if (!entry && errno)
		r = CL_ERR_IO;
	closedir(dir);
	return r;
}

int
state_remove(int dirfd, const char *name)
{
	struct path path;
	int r;

	if ((r = path_of(name, &path)) != 0)
		return r;
	if (unlinkat(dirfd, path.p, 0) != 0)
		return errno == ENOENT ? CL_ERR_NOT_FOUND : CL_ERR_IO;
	return fsync(dirfd) == 0 ? CL_OK : CL_ERR_IO;
}
