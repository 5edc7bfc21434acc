#include <stdint.h>
#include <string.h>

#include "client/text.h"
#include "client/why.h"
#include "lib/secmem.h"

int
text_room(struct text *t, size_t n, char **at)
{
	size_t cap = t->cap ? t->cap : 256;
	char *p;

	if (n > SIZE_MAX / 4 - t->n)
		return why_memory();
	while (cap < t->n + n + 1)
		cap *= 2;
	if (cap != t->cap) {
		p = secmem_realloc(t->p, cap);
		if (!p)
			return why_memory();
		t->p = p;
		t->cap = cap;
	}
	*at = t->p + t->n;
	(*at)[n] = '\0';
	return CL_OK;
}

int
text_add(struct text *t, const void *p, size_t n)
{
	char *at;
	int r;

	if ((r = text_room(t, n, &at)) != 0)
		return r;
	if (n)
		memcpy(at, p, n);
	t->n += n;
	return CL_OK;
}

int
text_str(struct text *t, const char *s)
{
	return text_add(t, s, strlen(s));
}

void
text_reset(struct text *t)
{
	if (t->p)
		secmem_wipe(t->p, t->n);
	t->n = 0;
}

void
text_clear(struct text *t)
{
	secmem_free(t->p);
	t->p = NULL;
	t->n = t->cap = 0;
}
