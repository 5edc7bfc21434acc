#include <string.h>

#include "tde/like.h"
#include "tde/utf8.h"

/*
 * PostgreSQL's MatchText() without its recursion: a later % never needs an
 * earlier one to be tried again, so one place to come back to is enough. The
 * order of comparisons is the same, since a bad escape is an error only when
 * matching gets there.
 */
struct match {
	const struct like *l;
	const uint8_t *t, *t_end;
	const uint8_t *p, *p_end;
	const uint8_t *retry_t; /* where the text behind the last % began */
	const uint8_t *retry_p; /* NULL before the first % */
};

enum outcome { GO_ON, MATCHED, FAILED, BAD_ESCAPE };

static uint8_t
folded(const struct like *l, uint8_t c)
{
	return l->fold && c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool
same(const struct like *l, uint8_t a, uint8_t b)
{
	return folded(l, a) == folded(l, b);
}

static bool
at_escape(const struct match *m)
{
	const struct like *l = m->l;

	return l->escape_n && (size_t)(m->p_end - m->p) >= l->escape_n &&
	       memcmp(m->p, l->escape, l->escape_n) == 0;
}

/* The next byte that equals c; t_end if none. It begins a character because c
 * does, so bytes may be stepped over one at a time. */
static const uint8_t *
find(const struct match *m, const uint8_t *t, uint8_t c)
{
	size_t n = (size_t)(m->t_end - t);
	const uint8_t *at;

	if (!m->l->fold)
		return n && (at = memchr(t, c, n)) != NULL ? at : m->t_end;
	while (t < m->t_end && !same(m->l, *t, c))
		t++;
	return t;
}

/* Moves to the next place in the text where what follows % may begin. */
static enum outcome
seek(struct match *m)
{
	uint8_t first = *m->retry_p;

	m->p = m->retry_p;
	if (at_escape(m)) {
		if (m->p + m->l->escape_n == m->p_end)
			return BAD_ESCAPE;
		first = m->p[m->l->escape_n];
	}
	m->t = m->retry_t = find(m, m->retry_t, first);
	return m->t < m->t_end ? GO_ON : FAILED;
}

/* At a %: swallows all wildcards that follow, and one character per _. */
static enum outcome
wildcards(struct match *m)
{
	m->p++;
	while (m->p < m->p_end && !at_escape(m)) {
		if (*m->p == '_') {
			if (m->t == m->t_end)
				return FAILED;
			m->t += utf8_char(m->t, (size_t)(m->t_end - m->t));
		} else if (*m->p != '%') {
			break;
		}
		m->p++;
	}
	if (m->p == m->p_end)
		return MATCHED;
	m->retry_p = m->p;
	m->retry_t = m->t;
	return seek(m);
}

static enum outcome
mismatch(struct match *m)
{
	if (m->retry_p == NULL)
		return FAILED;
	m->retry_t += utf8_char(m->retry_t, (size_t)(m->t_end - m->retry_t));
	return seek(m);
}

/* Text and pattern are both not at their end. */
static enum outcome
step(struct match *m)
{
	if (at_escape(m)) {
		m->p += m->l->escape_n;
		if (m->p == m->p_end)
			return BAD_ESCAPE;
	} else if (*m->p == '%') {
		return wildcards(m);
	} else if (*m->p == '_') {
		m->p++;
		m->t += utf8_char(m->t, (size_t)(m->t_end - m->t));
		return GO_ON;
	}
	if (!same(m->l, *m->p, *m->t))
		return mismatch(m);
	m->p++;
	m->t++;
	return GO_ON;
}

static enum outcome
at_end(struct match *m)
{
	if (m->t < m->t_end)
		return mismatch(m);
	while (m->p < m->p_end && !at_escape(m) && *m->p == '%')
		m->p++;
	return m->p == m->p_end ? MATCHED : FAILED;
}

int
like_match(const struct like *l, const uint8_t *text, size_t n, uint64_t *fuel,
    bool *match)
{
	struct match m = {l, text, text + n, l->pattern,
	    l->pattern + l->pattern_n, NULL, NULL};
	enum outcome o = GO_ON;

	while (o == GO_ON) {
		if (*fuel == 0)
			return CL_ERR_LIMIT;
		--*fuel;
		if (m.t < m.t_end && m.p < m.p_end)
			o = step(&m);
		else
			o = at_end(&m);
	}
	if (o == BAD_ESCAPE)
		return CL_ERR_ESCAPE;
	*match = o == MATCHED;
	return CL_OK;
}
