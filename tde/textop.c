#include <string.h>

#include "tde/textop.h"
#include "tde/utf8.h"

int
textop_concat(const struct val *a, const struct val *b, struct eval_scratch *s,
    struct val *out)
{
	size_t n = (size_t)a->n + b->n;
	uint8_t *p;
	int r;

	if (n > CELL_MAX_PLAIN)
		return CL_ERR_LIMIT;
	if ((r = scratch_take(s, n, &p)) != 0)
		return r;
	memcpy(p, a->p, a->n);
	memcpy(p + a->n, b->p, b->n);
	out->type = a->type;
	out->null = false;
	out->n = (uint32_t)n;
	out->p = p;
	return CL_OK;
}

/* Bytes that the first chars characters take. */
static size_t
bytes_of(const struct val *v, size_t at, uint64_t chars)
{
	size_t left = v->n - at;

	if (v->type == TYPE_TEXT)
		return utf8_bytes(v->p + at, left, chars);
	return chars < left ? (size_t)chars : left;
}

int
textop_substr(
    const struct val *v, int32_t start, const int32_t *length, struct val *out)
{
	int64_t first = start > 1 ? start : 1, end;
	size_t at, n;

	if (length != NULL && *length < 0)
		return CL_ERR_SUBSTRING;
	at = bytes_of(v, 0, (uint64_t)first - 1);
	n = v->n - at;
	if (length != NULL) {
		/* start counts even where there are no characters yet */
		end = (int64_t)start + *length;
		n = end > first ? bytes_of(v, at, (uint64_t)(end - first)) : 0;
	}
	*out = *v;
	out->p = v->p + at;
	out->n = (uint32_t)n;
	return CL_OK;
}

int64_t
textop_length(const struct val *v)
{
	if (v->type == TYPE_TEXT)
		return (int64_t)utf8_count(v->p, v->n);
	return v->n;
}

int
textop_fold(
    const struct val *v, bool upper, struct eval_scratch *s, struct val *out)
{
	uint8_t from = upper ? 'a' : 'A';
	uint8_t *p;
	uint32_t i;
	int r;

	if ((r = scratch_take(s, v->n, &p)) != 0)
		return r;
	for (i = 0; i < v->n; i++)
		p[i] = v->p[i] >= from && v->p[i] < from + 26 ? v->p[i] ^ 32
							      : v->p[i];
	*out = *v;
	out->p = p;
	return CL_OK;
}
