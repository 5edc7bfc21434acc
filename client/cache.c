#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cache.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

#define FILES_MAX 4096

/* Is the file one that speaks for the machine? What cannot be read as an
 * endorsement is none. */
static int
add_if_suits(
    const struct wanted *w, const uint8_t *p, size_t n, struct endorse *bag)
{
	struct endorse *one;
	int r;

	if ((r = endorse_new(&one)) != 0)
		return r;
	r = endorse_add(one, p, n);
	if (r == 0 && wanted_suits(w, one))
		r = endorse_add(bag, p, n);
	else if (r != CL_ERR_MEMORY)
		r = CL_OK;
	endorse_free(one);
	return r;
}

static int
add_file(
    int dirfd, const char *name, const struct wanted *w, struct endorse *bag)
{
	struct stat st;
	uint8_t *p;
	size_t n;
	int r;

	if (name[0] == '.' ||
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode) || st.st_size > (off_t)ENDORSE_BLOB_MAX)
		return CL_OK;
	r = file_read(dirfd, name, ENDORSE_BLOB_MAX, &p, &n);
	/* Another process may have replaced it meanwhile. */
	if (r == CL_ERR_NOT_FOUND)
		return CL_OK;
	if (r == 0) {
		r = add_if_suits(w, p, n, bag);
		secmem_free(p);
	}
	return r ? why_set(r, "the file %s: %s", name, err_text(r)) : CL_OK;
}

static int
add_files(int dirfd, const struct wanted *w, struct endorse *bag)
{
	struct dirent **names = NULL;
	int i, n, r = CL_OK;

	n = scandirat(dirfd, ".", &names, NULL, alphasort);
	if (n < 0)
		r = why_set(CL_ERR_IO, "%s", strerror(errno));
	else if (n > FILES_MAX)
		r = why_set(CL_ERR_LIMIT, "more than %d files", FILES_MAX);
	for (i = 0; i < n; i++) {
		if (r == 0)
			r = add_file(dirfd, names[i]->d_name, w, bag);
		free(names[i]);
	}
	free(names);
	return r;
}

int
cache_load(const struct home *home, const struct wanted *w, struct endorse *bag)
{
	int fd, r;

	fd = openat(home->dirfd, CACHE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return CL_OK;
	r = fd < 0 ? why_set(CL_ERR_IO, "%s", strerror(errno))
		   : add_files(fd, w, bag);
	if (fd >= 0)
		close(fd);
	return r ? why_in(r,
		       "cannot read the cache of endorsements %s/" CACHE_DIR,
		       home->path)
		 : CL_OK;
}
