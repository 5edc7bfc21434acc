#include <string.h>

#include "lib/buf.h"

uint16_t
le16_get(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
le32_get(const uint8_t *p)
{
	return (uint32_t)le16_get(p) | (uint32_t)le16_get(p + 2) << 16;
}

uint64_t
le64_get(const uint8_t *p)
{
	return (uint64_t)le32_get(p) | (uint64_t)le32_get(p + 4) << 32;
}

void
le16_put(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void
le32_put(uint8_t *p, uint32_t v)
{
	le16_put(p, (uint16_t)v);
	le16_put(p + 2, (uint16_t)(v >> 16));
}

void
le64_put(uint8_t *p, uint64_t v)
{
	le32_put(p, (uint32_t)v);
	le32_put(p + 4, (uint32_t)(v >> 32));
}

struct rd
rd_make(const void *p, size_t n)
{
	struct rd in = {p, n};

	return in;
}

int
rd_view(struct rd *in, const uint8_t **out, size_t n)
{
	if (in->left < n)
		return CL_ERR_TRUNCATED;
	*out = in->p;
	in->p += n;
	in->left -= n;
	return CL_OK;
}

int
rd_bytes(struct rd *in, void *out, size_t n)
{
	const uint8_t *p;
	int r;

	if ((r = rd_view(in, &p, n)) == 0 && n)
		memcpy(out, p, n);
	return r;
}

int
rd_u8(struct rd *in, uint8_t *v)
{
	return rd_bytes(in, v, 1);
}

int
rd_u16(struct rd *in, uint16_t *v)
{
	const uint8_t *p;
	int r;

	if ((r = rd_view(in, &p, 2)) == 0)
		*v = le16_get(p);
	return r;
}

int
rd_u32(struct rd *in, uint32_t *v)
{
	const uint8_t *p;
	int r;

	if ((r = rd_view(in, &p, 4)) == 0)
		*v = le32_get(p);
	return r;
}

int
rd_u64(struct rd *in, uint64_t *v)
{
	const uint8_t *p;
	int r;

	if ((r = rd_view(in, &p, 8)) == 0)
		*v = le64_get(p);
	return r;
}

int
rd_i64(struct rd *in, int64_t *v)
{
	uint64_t u;
	int r;

	if ((r = rd_u64(in, &u)) == 0)
		memcpy(v, &u, sizeof(u));
	return r;
}

int
rd_be16(struct rd *in, uint16_t *v)
{
	int r;

	if ((r = rd_u16(in, v)) == 0)
		*v = (uint16_t)(*v << 8 | *v >> 8);
	return r;
}

int
rd_be32(struct rd *in, uint32_t *v)
{
	int r;

	if ((r = rd_u32(in, v)) == 0)
		*v = __builtin_bswap32(*v);
	return r;
}

int
rd_be64(struct rd *in, uint64_t *v)
{
	int r;

	if ((r = rd_u64(in, v)) == 0)
		*v = __builtin_bswap64(*v);
	return r;
}

static int
rd_sized(struct rd *in, const uint8_t **out, size_t *n, size_t max, int null_ok)
{
	struct rd at = *in;
	const uint8_t *p = NULL;
	uint32_t len;
	int r;

	if ((r = rd_u32(&at, &len)) != 0)
		return r;
	if (null_ok && len == BUF_NULL)
		len = 0;
	else if (len > max)
		return CL_ERR_TOO_LARGE;
	else if ((r = rd_view(&at, &p, len)) != 0)
		return r;
	*out = p;
	*n = len;
	*in = at;
	return CL_OK;
}

int
rd_blob(struct rd *in, const uint8_t **out, size_t *n, size_t max)
{
	return rd_sized(in, out, n, max, 0);
}

int
rd_cell(struct rd *in, const uint8_t **out, size_t *n, size_t max)
{
	return rd_sized(in, out, n, max, 1);
}

int
rd_end(const struct rd *in)
{
	return in->left ? CL_ERR_TRAILING : CL_OK;
}

struct wr
wr_make(void *p, size_t cap)
{
	struct wr out = {p, 0, cap};

	return out;
}

int
wr_reserve(struct wr *out, uint8_t **p, size_t n)
{
	if (out->cap - out->len < n)
		return CL_ERR_TOO_LARGE;
	*p = out->p + out->len;
	out->len += n;
	return CL_OK;
}

int
wr_bytes(struct wr *out, const void *p, size_t n)
{
	uint8_t *to;
	int r;

	if ((r = wr_reserve(out, &to, n)) == 0 && n)
		memcpy(to, p, n);
	return r;
}

int
wr_u8(struct wr *out, uint8_t v)
{
	return wr_bytes(out, &v, 1);
}

int
wr_u16(struct wr *out, uint16_t v)
{
	uint8_t *p;
	int r;

	if ((r = wr_reserve(out, &p, 2)) == 0)
		le16_put(p, v);
	return r;
}

int
wr_u32(struct wr *out, uint32_t v)
{
	uint8_t *p;
	int r;

	if ((r = wr_reserve(out, &p, 4)) == 0)
		le32_put(p, v);
	return r;
}

int
wr_u64(struct wr *out, uint64_t v)
{
	uint8_t *p;
	int r;

	if ((r = wr_reserve(out, &p, 8)) == 0)
		le64_put(p, v);
	return r;
}

int
wr_i64(struct wr *out, int64_t v)
{
	return wr_u64(out, (uint64_t)v);
}

int
wr_blob(struct wr *out, const void *p, size_t n)
{
	uint8_t *to;
	int r;

	if (n >= BUF_NULL || n > SIZE_MAX - 4)
		return CL_ERR_TOO_LARGE;
	if ((r = wr_reserve(out, &to, 4 + n)) != 0)
		return r;
	le32_put(to, (uint32_t)n);
	if (n)
		memcpy(to + 4, p, n);
	return CL_OK;
}

int
wr_cell(struct wr *out, const void *p, size_t n)
{
	return p ? wr_blob(out, p, n) : wr_u32(out, BUF_NULL);
}
