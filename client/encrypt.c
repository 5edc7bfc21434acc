#include <string.h>

#include "client/encrypt.h"
#include "client/why.h"
#include "tde/value.h"

#define LINE_MAX_BYTES (32u << 20)

int
encrypt_type(const char *name, uint8_t *type)
{
	*type = value_type_by_name(name);
	if (*type)
		return CL_OK;
	return why_set(CL_ERR_ARGUMENT,
	    "unknown type \"%.40s\": expected bool, int2, int4, int8, float4, "
	    "float8, text, bytea, date, timestamp, timestamptz or uuid",
	    name);
}

int
encrypt_value(struct cells *c, const struct encrypt_as *as, const char *value,
    size_t n, struct text *out)
{
	int r;

	if (as->literal && (r = text_str(out, "'")) != 0)
		return r;
	if ((r = cells_encrypt(c, as->group, as->type, value, n, out)) != 0)
		return r;
	if (as->literal &&
	    ((r = text_str(out, "'::enc_")) != 0 ||
		(r = text_str(out, value_type_name(as->type))) != 0))
		return r;
	return text_str(out, "\n");
}

struct lines {
	const struct encrypt_as *as;
	struct cells cells;
	struct text rest; /* of a line whose end has not come */
	struct text cell;
	struct out *out;
	unsigned long long line;
};

static int
one_line(struct lines *l, const char *p, size_t n)
{
	int r;

	l->line++;
	text_reset(&l->cell);
	if ((r = encrypt_value(&l->cells, l->as, p, n, &l->cell)) != 0)
		return why_in(r, "line %llu", l->line);
	return out_put(l->out, l->cell.p, l->cell.n);
}

static int
keep(struct lines *l, const char *p, size_t n)
{
	if (n > LINE_MAX_BYTES - l->rest.n)
		return why_set(CL_ERR_TOO_LARGE,
		    "line %llu: expected at most %u bytes", l->line + 1,
		    LINE_MAX_BYTES);
	return text_add(&l->rest, p, n);
}

static int
feed(void *arg, const char *p, size_t n)
{
	struct lines *l = arg;
	const char *end;
	size_t len;
	int r;

	for (; n && (end = memchr(p, '\n', n)); p += len + 1, n -= len + 1) {
		len = (size_t)(end - p);
		if (l->rest.n == 0) {
			r = one_line(l, p, len);
		} else if ((r = keep(l, p, len)) == 0) {
			r = one_line(l, l->rest.p, l->rest.n);
			text_reset(&l->rest);
		}
		if (r)
			return r;
	}
	return keep(l, p, n);
}

int
encrypt_lines(const struct encrypt_as *as, int fd, struct out *out)
{
	struct lines l = {.as = as, .out = out};
	int r;

	if ((r = out_each(fd, feed, &l)) == 0 && l.rest.n)
		r = one_line(&l, l.rest.p, l.rest.n);
	cells_clear(&l.cells);
	text_clear(&l.rest);
	text_clear(&l.cell);
	return r;
}
