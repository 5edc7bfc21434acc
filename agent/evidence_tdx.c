/*
 * Intel TDX guests: configfs-tsm, else /dev/tdx_guest for a TDREPORT, which
 * the host's quote service, usually over vsock, turns into a quote.
 *
 * ioctl argument, 1088 bytes: report data[64], TDREPORT[1024] with the report
 * data at 128.
 * Message to and from the service: u32 length, big endian, of what follows,
 * little endian:
 *	  0	 4	u16 major 1, u16 minor 0
 *	  4	 4	type: 0 asks for a quote, 1 brings it
 *	  8	 4	size of the message
 *	 12	 4	error
 *	 16	 4	request: size of the report; answer: of the selected id
 *	 20	 4	request: size of the id list, 0; answer: of the quote
 *	 24		request: TDREPORT; answer: id, quote
 * Quote: policy/verify_tdx.h. What follows its authentication data is padding
 * and is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/evidence_log.h"
#include "agent/evidence_provider.h"
#include "agent/tsm.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "policy/verify_tdx.h"

#define PROVIDER       "tdx_guest"
#define GET_REPORT0    0xC4405401ul
#define TDREPORT       1024u
#define TDREPORT_DATA  128u
#define QUOTE_HEADER   48u
#define BODY_RTMR0     328u
#define BODY_DATA      520u
#define MESSAGE_HEADER 24u
#define MESSAGE_MAX    (TDX_QUOTE_MAX + 4096u)
#define RTMRS	       4u
#define RTMR	       48u
#define GET_QUOTE      0u
#define QUOTE	       1u
#define PORT	       4050u
#define CONF_MAX       4096u

/* ---- the quote ---- */

/* What precedes the body; *body_n: its size. */
static int
skip_to_body(struct rd *in, size_t *body_n, uint16_t *version)
{
	const uint8_t *header;
	uint16_t type;
	uint32_t size;
	int r;

	if ((r = rd_view(in, &header, QUOTE_HEADER)) != 0)
		return r;
	*version = le16_get(header);
	*body_n = TDX_BODY_10;
	if (*version == 4)
		return CL_OK;
	if (*version != 5)
		return CL_ERR_VERSION;
	if ((r = rd_u16(in, &type)) != 0 || (r = rd_u32(in, &size)) != 0)
		return r;
	*body_n = size;
	return (type == 2 && size == TDX_BODY_10) ||
		       (type == 3 && size == TDX_BODY_15)
		   ? CL_OK
		   : CL_ERR_FORMAT;
}

/* *exact: where the quote ends. *data: its report data. */
static int
measure_quote(const uint8_t *p, size_t n, size_t *exact, const uint8_t **data,
    uint16_t *version)
{
	struct rd in = rd_make(p, n);
	const uint8_t *body, *auth;
	size_t body_n, auth_n;
	int r;

	if ((r = skip_to_body(&in, &body_n, version)) != 0 ||
	    (r = rd_view(&in, &body, body_n)) != 0 ||
	    (r = rd_blob(&in, &auth, &auth_n, TDX_QUOTE_MAX)) != 0)
		return r;
	*data = body + BODY_DATA;
	*exact = n - in.left;
	return CL_OK;
}

static int
check_quote(const uint8_t *p, size_t n,
    const uint8_t wanted[EVIDENCE_REPORT_DATA], char *reason)
{
	const uint8_t *data;
	uint16_t version = 0;
	size_t exact;
	int r = measure_quote(p, n, &exact, &data, &version);

	if (r == CL_ERR_VERSION)
		snprintf(reason, TSM_REASON,
		    "quote of version %u: expected 4 or 5", version);
	else if (r)
		snprintf(reason, TSM_REASON, "malformed quote of %zu bytes", n);
	else if (!secmem_equal(data, wanted, EVIDENCE_REPORT_DATA)) {
		snprintf(
		    reason, TSM_REASON, "the quote answers other report data");
		r = CL_ERR_EVIDENCE;
	}
	return r;
}

/* A checked quote without its padding. */
static int
give(struct evidence *out, const uint8_t *p, size_t n)
{
	const uint8_t *data;
	uint16_t version;
	size_t exact;
	int r = measure_quote(p, n, &exact, &data, &version);

	return r ? r : evidence_provider_give(out, p, exact);
}

static int
from_tsm(const struct evidence_config *c, const uint8_t *data,
    struct evidence *out, char *reason)
{
	const struct tsm_request q = {
	    c->tsm_root, PROVIDER, data, check_quote, NULL};
	struct tsm_report report;
	int r;

	if ((r = tsm_report(&q, &report, reason)) != 0)
		return r;
	r = give(out, report.out, report.out_n);
	tsm_clear(&report);
	return r;
}

/* ---- /dev/tdx_guest ---- */

static int
get_tdreport(const struct evidence_config *c, const uint8_t *data,
    uint8_t tdreport[TDREPORT], char *reason)
{
	const struct device *d = c->device;
	uint8_t arg[EVIDENCE_REPORT_DATA + TDREPORT] = {0};
	int fd, r;

	if ((fd = d->open(d->arg, c->tdx_guest)) < 0) {
		snprintf(reason, EVIDENCE_REASON, "%.120s: %s", c->tdx_guest,
		    strerror(errno));
		return errno == EACCES || errno == EPERM ? CL_ERR_PERMISSION
							 : CL_ERR_NOT_FOUND;
	}
	memcpy(arg, data, EVIDENCE_REPORT_DATA);
	r = d->ioctl(d->arg, fd, GET_REPORT0, arg);
	close(fd);
	memcpy(tdreport, arg + EVIDENCE_REPORT_DATA, TDREPORT);
	if (r == 0 &&
	    secmem_equal(tdreport + TDREPORT_DATA, data, EVIDENCE_REPORT_DATA))
		return CL_OK;
	snprintf(reason, EVIDENCE_REASON, "%.120s: %s", c->tdx_guest,
	    r < 0   ? strerror(errno)
	    : r > 0 ? "the request failed"
		    : "the report answers other report data");
	return r ? CL_ERR_IO : CL_ERR_EVIDENCE;
}

/* ---- the quote service ---- */

/* From a line "port = 4050". */
static unsigned
service_port(const struct evidence_config *c)
{
	unsigned port = PORT, found;
	uint8_t *text = NULL;
	char *line, *save = NULL;
	size_t n;

	if (file_read(AT_FDCWD, c->tdx_attest, CONF_MAX, &text, &n) != 0)
		return port;
	for (line = strtok_r((char *)text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, " port = %u", &found) == 1)
			port = found;
	secmem_free(text);
	return port;
}

/* Zero, or -1 and errno. */
static int
send_all(int fd, const uint8_t *p, size_t n)
{
	ssize_t sent;

	while (n) {
		sent = send(fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -1;
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int
recv_all(int fd, uint8_t *p, size_t n)
{
	ssize_t got;

	while (n) {
		got = recv(fd, p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = ECONNRESET;
		if (got <= 0)
			return -1;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int
send_request(int fd, const uint8_t tdreport[TDREPORT])
{
	const uint32_t size = MESSAGE_HEADER + TDREPORT;
	uint8_t m[4 + MESSAGE_HEADER + TDREPORT] = {0};

	m[2] = size >> 8;
	m[3] = size & 0xff;
	le16_put(m + 4, 1);
	le32_put(m + 8, GET_QUOTE);
	le32_put(m + 12, size);
	le32_put(m + 20, TDREPORT);
	memcpy(m + 4 + MESSAGE_HEADER, tdreport, TDREPORT);
	return send_all(fd, m, sizeof(m));
}

/* *m: secmem, without the length in front. errno is 0 when what came is not a
 * message. */
static int
recv_answer(int fd, uint8_t **m, size_t *n)
{
	uint8_t head[4];

	errno = 0;
	if (recv_all(fd, head, sizeof(head)))
		return CL_ERR_IO;
	*n = (size_t)head[0] << 24 | (size_t)head[1] << 16 |
	     (size_t)head[2] << 8 | head[3];
	if (*n < MESSAGE_HEADER || *n > MESSAGE_MAX)
		return CL_ERR_FORMAT;
	if (!(*m = secmem_alloc(*n)))
		return CL_ERR_MEMORY;
	return recv_all(fd, *m, *n) ? CL_ERR_IO : CL_OK;
}

static int
parse_answer(const uint8_t *m, size_t n, const uint8_t **quote, size_t *quote_n,
    uint32_t *error)
{
	uint32_t type, size, id_n, q_n;
	uint16_t major, minor;
	struct rd in = rd_make(m, n);
	const uint8_t *id;
	int r;

	if ((r = rd_u16(&in, &major)) != 0 || (r = rd_u16(&in, &minor)) != 0 ||
	    (r = rd_u32(&in, &type)) != 0 || (r = rd_u32(&in, &size)) != 0 ||
	    (r = rd_u32(&in, error)) != 0)
		return r;
	if (major != 1 || type != QUOTE || size != n)
		return CL_ERR_FORMAT;
	if (*error)
		return CL_ERR_IO;
	if ((r = rd_u32(&in, &id_n)) != 0 || (r = rd_u32(&in, &q_n)) != 0 ||
	    (r = rd_view(&in, &id, id_n)) != 0 ||
	    (r = rd_view(&in, quote, q_n)) != 0)
		return r;
	*quote_n = q_n;
	return rd_end(&in);
}

static int
fetch_quote(int fd, const uint8_t tdreport[TDREPORT], const uint8_t *data,
    struct evidence *out, char *reason)
{
	const uint8_t *quote;
	uint8_t *m = NULL;
	uint32_t error = 0;
	size_t n, quote_n;
	int r = CL_ERR_IO;

	if (send_request(fd, tdreport) ||
	    (r = recv_answer(fd, &m, &n)) == CL_ERR_IO) {
		snprintf(reason, EVIDENCE_REASON, "the quote service: %s",
		    strerror(errno));
		if (errno == EAGAIN)
			r = CL_ERR_TIMEOUT;
	} else if (r || (r = parse_answer(m, n, &quote, &quote_n, &error)) != 0)
		snprintf(reason, EVIDENCE_REASON,
		    "the quote service answers with error %#x: %s", error,
		    err_text(r));
	else if ((r = check_quote(quote, quote_n, data, reason)) == CL_OK)
		r = give(out, quote, quote_n);
	secmem_free(m);
	return r;
}

static int
from_device(const struct evidence_config *c, const uint8_t *data,
    struct evidence *out, char *reason)
{
	unsigned port = service_port(c);
	uint8_t tdreport[TDREPORT];
	int fd, r;

	if ((r = get_tdreport(c, data, tdreport, reason)) != 0)
		return r;
	fd = c->device->dial(c->device->arg, c->tdx_quotes, port);
	if (fd < 0) {
		snprintf(reason, EVIDENCE_REASON,
		    "the quote service (%.120s, port %u): %s", c->tdx_quotes,
		    port, strerror(errno));
		return CL_ERR_IO;
	}
	r = fetch_quote(fd, tdreport, data, out, reason);
	close(fd);
	return r;
}

/* The event log that gives the quote's registers. */
static int
add_log(const struct evidence_config *c, struct evidence *out)
{
	struct eventlog_quoted quoted = {.kind = EVENTLOG_TDX};
	const uint8_t *data;
	uint16_t version;
	size_t exact;
	unsigned i;
	int r;

	if ((r = measure_quote(
		 out->raw, out->raw_n, &exact, &data, &version)) != 0)
		return r;
	for (i = 0; i < RTMRS; i++)
		quoted.value[i] = data - BODY_DATA + BODY_RTMR0 + i * RTMR;
	return evidence_log_make(
	    c, &quoted, EVIDENCE_LOG_MAX, &out->log, &out->log_n);
}

static int
tdx_probe(const struct evidence_config *c, char *reason)
{
	return evidence_provider_find(c, PROVIDER, c->tdx_guest, reason);
}

static int
tdx_produce(const struct evidence_config *c,
    const uint8_t data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	int r = from_tsm(c, data, out, reason);

	/* Nothing was asked there. Any other failure is an answer. */
	if (r == CL_ERR_NOT_FOUND || r == CL_ERR_UNSUPPORTED)
		r = from_device(c, data, out, reason);
	if (!r && (r = add_log(c, out)) != 0)
		snprintf(
		    reason, EVIDENCE_REASON, "the event log: %s", err_text(r));
	return r;
}

const struct evidence_provider *
evidence_tdx(void)
{
	static const struct evidence_provider tdx = {
	    "tdx", 200, tdx_probe, tdx_produce};

	return &tdx;
}
