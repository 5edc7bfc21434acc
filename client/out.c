#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/out.h"
#include "client/why.h"
#include "lib/secmem.h"

#define PIECE (128u << 10)

int
out_flush(struct out *o)
{
	size_t at = 0;
	ssize_t n;
	int r = CL_OK;

	while (at < o->kept.n) {
		n = write(o->fd, o->kept.p + at, o->kept.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = why_set(CL_ERR_IO, "cannot write the output: %s",
			    strerror(errno));
			break;
		}
		at += (size_t)n;
	}
	text_reset(&o->kept);
	return r;
}

int
out_put(struct out *o, const char *p, size_t n)
{
	int r = text_add(&o->kept, p, n);

	return r || o->kept.n < PIECE ? r : out_flush(o);
}

void
out_clear(struct out *o)
{
	text_clear(&o->kept);
}

int
out_each(int fd, int (*f)(void *arg, const char *p, size_t n), void *arg)
{
	char *piece = secmem_alloc(PIECE);
	ssize_t n;
	int r = CL_OK;

	if (!piece)
		return why_memory();
	while (!r) {
		n = read(fd, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = why_set(CL_ERR_IO, "cannot read the input: %s",
			    strerror(errno));
		if (n <= 0)
			break;
		r = f(arg, piece, (size_t)n);
	}
	secmem_free(piece);
	return r;
}
