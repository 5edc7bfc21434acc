#include "client/filter_scan.h"
#include "client/cells.h"

static bool
is_word(char b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
	       (b >= '0' && b <= '9') || b == '-' || b == '_';
}

/* Gives the kept bytes up as ordinary ones. */
static int
release(struct filter_scan *s)
{
	int r = s->kept.n ? s->plain(s->arg, s->kept.p, s->kept.n) : CL_OK;

	text_reset(&s->kept);
	return r;
}

static int
finish(struct filter_scan *s)
{
	int r;

	if (s->kept.n < CELLS_TEXT_MIN)
		return release(s);
	r = s->token(s->arg, s->kept.p, s->kept.n);
	text_reset(&s->kept);
	return r;
}

/* Nothing is kept: passes bytes up to where a candidate may begin. */
static int
pass(struct filter_scan *s, const char *p, size_t n, size_t *used)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		if (p[i] == CELLS_PREFIX[0] && !s->in_word)
			break;
		s->in_word = is_word(p[i]);
	}
	*used = i;
	if (i && (r = s->plain(s->arg, p, i)) != 0)
		return r;
	if (i == n)
		return CL_OK;
	s->in_word = true;
	*used = i + 1;
	return text_add(&s->kept, p + i, 1);
}

static int
match_prefix(struct filter_scan *s, char b, size_t *used)
{
	if (b != CELLS_PREFIX[s->kept.n]) {
		*used = 0;
		return release(s);
	}
	*used = 1;
	return text_add(&s->kept, &b, 1);
}

static int
collect(struct filter_scan *s, const char *p, size_t n, size_t *used)
{
	size_t i;
	int r;

	for (i = 0; i < n && is_word(p[i]); i++)
		;
	*used = i;
	if (i > CELLS_TEXT_MAX - s->kept.n) {
		s->overlong(s->arg);
		if ((r = release(s)) != 0)
			return r;
		return s->plain(s->arg, p, i);
	}
	if ((r = text_add(&s->kept, p, i)) != 0)
		return r;
	return i < n ? finish(s) : CL_OK;
}

int
filter_scan_feed(struct filter_scan *s, const char *p, size_t n)
{
	size_t used;
	int r;

	for (; n; p += used, n -= used) {
		if (s->kept.n == 0)
			r = pass(s, p, n, &used);
		else if (s->kept.n < CELLS_PREFIX_N)
			r = match_prefix(s, *p, &used);
		else
			r = collect(s, p, n, &used);
		if (r)
			return r;
	}
	return CL_OK;
}

int
filter_scan_end(struct filter_scan *s)
{
	int r = finish(s);

	s->in_word = false;
	return r;
}

void
filter_scan_clear(struct filter_scan *s)
{
	text_clear(&s->kept);
}
