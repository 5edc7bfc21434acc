#include "agent/broker_serve.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/broker_proto.h"
#include "agent/broker_unseal.h"
#include "agent/link.h"
#include "lib/b64.h"
#include "lib/log.h"
#include "lib/secmem.h"
#include "sealing/state.h"

#define AUDIT_LINE_MAX 4096u
#define AUDIT_SIG      64u

typedef int (*broker_handler)(struct broker *b, struct rd *in, struct wr *out);

struct row {
	uint8_t op;
	bool replies;
	broker_handler handler;
};

static int
send_packet(struct broker *b, const uint8_t *p, size_t n)
{
	ssize_t sent;

	do
		sent = send(b->link, p, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n ? CL_OK : CL_ERR_CLOSED;
}

int
broker_send_setup(struct broker *b, const struct setup *s)
{
	uint8_t packet[BROKER_HEADER + SETUP_PACKET_MAX] = {BROKER_SETUP};
	struct wr out = wr_make(packet + BROKER_HEADER, SETUP_PACKET_MAX);
	int r = setup_put(s, &out);

	return r ? r : send_packet(b, packet, BROKER_HEADER + out.len);
}

/* A state name, with its NUL. */
static int
get_name(struct rd *in, char name[STATE_NAME_MAX + 1])
{
	const uint8_t *p;
	size_t n;
	int r;

	if ((r = rd_blob(in, &p, &n, STATE_NAME_MAX)) != 0)
		return r;
	memcpy(name, p, n);
	name[n] = '\0';
	return memchr(name, 0, n) ? CL_ERR_FORMAT : CL_OK;
}

static int
on_start(struct broker *b, struct rd *in, struct wr *out)
{
	struct unseal_result res;
	uint8_t pk[HPKE_PUBLIC];
	int r;

	if ((r = rd_bytes(in, pk, sizeof(pk))) != 0 || (r = rd_end(in)) != 0)
		return r;
	broker_unseal(b, pk, &res);
	if ((r = wr_bytes(out, b->binary, sizeof(b->binary))) != 0 ||
	    (r = wr_bytes(out, b->config->digest, 32)) != 0 ||
	    (r = wr_u16(out, (uint16_t)err_to_wire(res.status))) != 0 ||
	    (r = wr_blob(out, res.reason, strlen(res.reason))) != 0 ||
	    (r = wr_bytes(out, res.enc, sizeof(res.enc))) != 0)
		return r;
	return wr_bytes(out, res.ct, sizeof(res.ct));
}

static int
on_store(struct broker *b, struct rd *in, struct wr *out)
{
	char name[STATE_NAME_MAX + 1];
	const uint8_t *p;
	size_t n;
	int r;

	(void)out;
	if ((r = get_name(in, name)) != 0 ||
	    (r = rd_blob(in, &p, &n, STATE_BLOB_MAX)) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	if ((r = state_store(b->state_dir, name, p, n)) != 0)
		log_error(
		    "%s/%s.blob: %s", b->config->state_dir, name, err_text(r));
	return r;
}

static int
on_load(struct broker *b, struct rd *in, struct wr *out)
{
	char name[STATE_NAME_MAX + 1];
	uint8_t *p = NULL;
	size_t n = 0;
	int r;

	if ((r = get_name(in, name)) != 0 || (r = rd_end(in)) != 0 ||
	    (r = state_load(b->state_dir, name, &p, &n)) != 0)
		return r;
	r = wr_blob(out, p, n);
	secmem_free(p);
	return r;
}

struct listing {
	uint32_t n;
	struct wr *out;
};

static int
add_name(void *arg, const char *name)
{
	struct listing *l = arg;

	l->n++;
	return wr_blob(l->out, name, strlen(name));
}

static int
on_list(struct broker *b, struct rd *in, struct wr *out)
{
	struct listing l = {0, out};
	uint8_t *count;
	int r;

	if ((r = rd_end(in)) != 0 || (r = wr_reserve(out, &count, 4)) != 0 ||
	    (r = state_each(b->state_dir, add_name, &l)) != 0)
		return r;
	le32_put(count, l.n);
	return CL_OK;
}

static int
on_remove(struct broker *b, struct rd *in, struct wr *out)
{
	char name[STATE_NAME_MAX + 1];
	int r;

	(void)out;
	if ((r = get_name(in, name)) != 0 || (r = rd_end(in)) != 0)
		return r;
	return state_remove(b->state_dir, name);
}

static int
on_log(struct broker *b, struct rd *in, struct wr *out)
{
	char line[2048];
	const uint8_t *p;
	uint8_t level;
	size_t n;
	int r;

	(void)b;
	(void)out;
	if ((r = rd_u8(in, &level)) != 0 ||
	    (r = rd_blob(in, &p, &n, sizeof(line) - 1)) != 0 ||
	    (r = rd_end(in)) != 0)
		return r;
	memcpy(line, p, n);
	line[n] = '\0';
	log_line(
	    level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : (enum log_level)level,
	    line);
	return CL_OK;
}

/* One line of the audit log: the text, a space, the signature in base64url.
 * One write, so that a kill leaves whole lines. */
static int
on_audit(struct broker *b, struct rd *in, struct wr *out)
{
	uint8_t line[AUDIT_LINE_MAX + 128], sig[AUDIT_SIG];
	const uint8_t *p;
	size_t n;
	int r;

	(void)out;
	if ((r = rd_blob(in, &p, &n, AUDIT_LINE_MAX)) != 0 ||
	    (r = rd_bytes(in, sig, sizeof(sig))) != 0 || (r = rd_end(in)) != 0)
		return r;
	memcpy(line, p, n);
	line[n++] = ' ';
	b64url_encode(sig, sizeof(sig), (char *)line + n);
	n += b64url_len(sizeof(sig));
	line[n++] = '\n';
	if (write(b->audit, line, n) != (ssize_t)n)
		log_error(
		    "%s/audit.log: %s", b->config->state_dir, strerror(errno));
	return CL_OK;
}

static int
on_ready(struct broker *b, struct rd *in, struct wr *out)
{
	int r;

	(void)out;
	if ((r = rd_end(in)) != 0)
		return r;
	b->ready = true;
	log_info("ready on %s", b->config->socket);
	sd_notifyf(0, "READY=1\nSTATUS=serving on %s", b->config->socket);
	return CL_OK;
}

static const struct row rows[] = {
    {BROKER_START, true, on_start},
    {BROKER_EVIDENCE, true, broker_on_evidence},
    {BROKER_EVIDENCE_SIZE, true, broker_on_evidence_size},
    {BROKER_EVIDENCE_PART, true, broker_on_evidence_part},
    {BROKER_STORE, true, on_store},
    {BROKER_LOAD, true, on_load},
    {BROKER_LIST, true, on_list},
    {BROKER_REMOVE, true, on_remove},
    {BROKER_LOG, false, on_log},
    {BROKER_READY, false, on_ready},
    {BROKER_AUDIT, false, on_audit},
};

static const struct row *
row_of(uint8_t op)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].op == op)
			return &rows[i];
	return NULL;
}

static int
parse_header(struct rd *in, const struct row **row)
{
	uint16_t status;
	uint8_t op, reply;
	int r;

	if ((r = rd_u8(in, &op)) != 0 || (r = rd_u8(in, &reply)) != 0 ||
	    (r = rd_u16(in, &status)) != 0)
		return r;
	*row = row_of(op);
	return reply || status || !*row ? CL_ERR_FORMAT : CL_OK;
}

static int
answer(struct broker *b, const struct row *row, struct rd *in, uint8_t *packet)
{
	struct wr out =
	    wr_make(packet + BROKER_HEADER, BROKER_MAX_PACKET - BROKER_HEADER);
	const char *why;
	int r;

	b->why[0] = '\0';
	r = row->handler(b, in, &out);
	if (!row->replies) {
		if (r)
			log_error(
			    "the engine sent a malformed packet %u", row->op);
		return r;
	}
	packet[0] = row->op;
	packet[1] = 1;
	le16_put(packet + 2, (uint16_t)err_to_wire(r));
	if (r) {
		out.len = 0;
		why = b->why[0] ? b->why : err_text(r);
		if (wr_blob(&out, why, strnlen(why, LINK_REASON - 1)))
			return CL_ERR_INTERNAL;
	}
	return send_packet(b, packet, BROKER_HEADER + out.len);
}

int
broker_serve_packet(struct broker *b)
{
	/* One thread, one packet at a time. */
	static uint8_t request[BROKER_MAX_PACKET], reply[BROKER_MAX_PACKET];
	const struct row *row = NULL;
	struct rd in;
	ssize_t n;
	int r;

	do
		n = recv(b->link, request, sizeof(request), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return CL_ERR_CLOSED;
	in = rd_make(request, (size_t)n);
	if ((r = parse_header(&in, &row)) != 0) {
		log_error("the engine sent a malformed packet");
		return r;
	}
	return answer(b, row, &in, reply);
}
