#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "sealing/seal_provider.h"

/* For development: the key in clear, kept by file permissions alone. */
#define KEY_FILE "root.key"

static int
make_key(const struct seal_config *c, uint8_t key[SEAL_KEY], char *reason)
{
	int r;

	if ((r = seal_first_use(c, KEY_FILE, reason)) != 0 ||
	    (r = crypto_random(key, SEAL_KEY)) != 0)
		return r;
	r = file_write_new(c->state_dirfd, KEY_FILE, key, SEAL_KEY, 0600);
	if (r != 0)
		(void)snprintf(reason, SEAL_REASON, "cannot write %s: %s",
		    KEY_FILE, err_text(r));
	return r;
}

/* Others who can read the file have the key. */
static int
check_mode(const struct seal_config *c, char *reason)
{
	struct stat st;

	if (fstatat(c->state_dirfd, KEY_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return CL_OK; /* file_read says what is wrong */
	if (S_ISREG(st.st_mode) && !(st.st_mode & 077))
		return CL_OK;
	(void)snprintf(reason, SEAL_REASON,
	    "%s: expected a file that only its owner may read (0600), came "
	    "mode %04o",
	    KEY_FILE, (unsigned)(st.st_mode & 07777));
	return CL_ERR_SEALED;
}

int
seal_file(const struct seal_config *c, uint8_t key[SEAL_KEY],
    char reason[SEAL_REASON])
{
	uint8_t *p = NULL;
	size_t n;
	int r;

	if ((r = check_mode(c, reason)) != 0)
		return r;
	r = file_read(c->state_dirfd, KEY_FILE, SEAL_KEY, &p, &n);
	if (r == CL_ERR_NOT_FOUND)
		return make_key(c, key, reason);
	if (r == CL_ERR_TOO_LARGE || (r == 0 && n != SEAL_KEY)) {
		(void)snprintf(reason, SEAL_REASON,
		    "%s is damaged: expected %u bytes", KEY_FILE, SEAL_KEY);
		r = CL_ERR_SEALED;
	} else if (r != 0) {
		(void)snprintf(reason, SEAL_REASON, "cannot read %s: %s",
		    KEY_FILE, err_text(r));
	} else {
		memcpy(key, p, SEAL_KEY);
	}
	secmem_free(p);
	return r;
}
