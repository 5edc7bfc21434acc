/* Event logs as JSON, and the names of what is in them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/secmem.h"
#include "policy/eventlog_aael.h"
#include "policy/rows.h"

#define EV_IPL 0xdu

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
    {0x0, "EV_PREBOOT_CERT"},
    {0x1, "EV_POST_CODE"},
    {0x3, "EV_NO_ACTION"},
    {0x4, "EV_SEPARATOR"},
    {0x5, "EV_ACTION"},
    {0x6, "EV_EVENT_TAG"},
    {0x7, "EV_S_CRTM_CONTENTS"},
    {0x8, "EV_S_CRTM_VERSION"},
    {0x9, "EV_CPU_MICROCODE"},
    {0xa, "EV_PLATFORM_CONFIG_FLAGS"},
    {0xb, "EV_TABLE_OF_DEVICES"},
    {0xc, "EV_COMPACT_HASH"},
    {0xd, "EV_IPL"},
    {0xe, "EV_IPL_PARTITION_DATA"},
    {0xf, "EV_NONHOST_CODE"},
    {0x10, "EV_NONHOST_CONFIG"},
    {0x11, "EV_NONHOST_INFO"},
    {0x12, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x80000001, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {0x80000002, "EV_EFI_VARIABLE_BOOT"},
    {0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {0x80000006, "EV_EFI_GPT_EVENT"},
    {0x80000007, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {0x80000009, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {0x8000000c, "EV_EFI_VARIABLE_BOOT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {0x800000e0, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

void
eventlog_type_name(uint32_t type, char out[48])
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type) {
			(void)snprintf(out, 48, "%s", types[i].name);
			return;
		}
	(void)snprintf(out, 48, "0x%08" PRIx32, type);
}

bool
eventlog_type_parse(const char *name, uint32_t *type)
{
	char text[48];
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, name) == 0) {
			*type = types[i].type;
			return true;
		}
	if (sscanf(name, "0x%8" SCNx32, type) != 1)
		return false;
	(void)snprintf(text, sizeof(text), "0x%08" PRIx32, *type);
	return strcmp(text, name) == 0;
}

void
eventlog_register_name(enum eventlog_kind kind, uint32_t reg, char out[16])
{
	if (kind == EVENTLOG_TDX && reg == 0)
		(void)snprintf(out, 16, "MRTD");
	else if (kind == EVENTLOG_TDX && reg <= 4)
		(void)snprintf(out, 16, "RTMR%" PRIu32, reg - 1);
	else if (kind == EVENTLOG_CSV && reg <= 4)
		(void)snprintf(out, 16, "register%" PRIu32, reg);
	else if (kind == EVENTLOG_TPM && reg < EVENTLOG_REGISTERS)
		(void)snprintf(out, 16, "PCR%" PRIu32, reg);
	else
		(void)snprintf(out, 16, "?");
}

static void
alg_name(uint16_t alg, char out[16])
{
	switch (alg) {
	case EVENTLOG_SHA1:
		(void)snprintf(out, 16, "sha1");
		return;
	case EVENTLOG_SHA256:
		(void)snprintf(out, 16, "sha256");
		return;
	case EVENTLOG_SHA384:
		(void)snprintf(out, 16, "sha384");
		return;
	case EVENTLOG_SHA512:
		(void)snprintf(out, 16, "sha512");
		return;
	case EVENTLOG_SM3:
		(void)snprintf(out, 16, "sm3");
		return;
	default:
		(void)snprintf(out, 16, "0x%04x", alg);
	}
}

static int
put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value) == 0 ? CL_OK : CL_ERR_MEMORY;
}

static int
put_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char text[2 * EVENTLOG_SHOWN + 1];

	rows_hex(p, n < EVENTLOG_SHOWN ? n : EVENTLOG_SHOWN, text);
	return put(o, key, json_string(text));
}

/* Firmware writes texts with and without NUL at their end. */
static bool
is_text(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] < ' ' || p[i] > '~')
			return false;
	return n != 0;
}

/* GRUB puts words of its own before a text and a NUL behind it, and measures
 * what is between them. */
static bool
is_of_grub(const struct eventlog_event *e, const uint8_t *p, size_t n)
{
	static const char *const heads[] = {"grub_cmd: ", "kernel_cmdline: "};
	struct eventlog_event part = *e;
	size_t i, head;
	unsigned k;

	for (i = 0; e->type == EV_IPL && i < 2; i++) {
		head = strlen(heads[i]);
		if (n < head || !secmem_equal(p, heads[i], head))
			continue;
		part.data = p + head;
		part.n = n - head;
		for (k = 0; k < e->ndigests; k++)
			if (!eventlog_digest_is_of_data(&part, &e->digest[k]))
				return false;
		return e->ndigests != 0;
	}
	return false;
}

static int
put_text(json_t *o, const struct eventlog_event *e)
{
	const uint8_t *p = e->data;
	struct eventlog_aael aael;
	size_t n = e->n;
	bool whole = json_is_true(json_object_get(o, "digest_is_of_event"));
	int r;

	if (eventlog_aael(e, &aael)) {
		p = (const uint8_t *)aael.text.p;
		n = aael.text.n;
	}
	while (n && !p[n - 1])
		n--;
	if (n > EVENTLOG_SHOWN || !is_text(p, n))
		return CL_OK;
	r = put(o, "text", json_stringn((const char *)p, n));
	return r ? r
		 : put(o, "digest_is_of_text",
		       json_boolean(whole || is_of_grub(e, p, n)));
}

static int
put_digests(json_t *o, const struct eventlog_event *e)
{
	json_t *digests = json_object();
	bool of_data = e->ndigests != 0;
	char name[16];
	unsigned i;
	int r = digests ? CL_OK : CL_ERR_MEMORY;

	for (i = 0; i < e->ndigests && r == 0; i++) {
		alg_name(e->digest[i].alg, name);
		r = put_hex(digests, name, e->digest[i].p, e->digest[i].n);
		of_data =
		    of_data && eventlog_digest_is_of_data(e, &e->digest[i]);
	}
	if (r != 0) {
		json_decref(digests);
		return r;
	}
	if ((r = put(o, "digests", digests)) != 0)
		return r;
	return put(o, "digest_is_of_event", json_boolean(of_data));
}

static int
print_event(
    json_t *events, enum eventlog_kind kind, const struct eventlog_event *e)
{
	char name[16], type[48];
	json_t *o = json_object();
	int r;

	if (!o || json_array_append_new(events, o) != 0)
		return CL_ERR_MEMORY;
	eventlog_register_name(kind, e->reg, name);
	eventlog_type_name(e->type, type);
	if ((r = put(o, "register", json_integer(e->reg))) != 0 ||
	    (r = put(o, "name", json_string(name))) != 0 ||
	    (r = put(o, "type", json_integer(e->type))) != 0 ||
	    (r = put(o, "type_name", json_string(type))) != 0 ||
	    (r = put_digests(o, e)) != 0 ||
	    (r = put(o, "size", json_integer((json_int_t)e->n))) != 0 ||
	    (r = put_hex(o, "event", e->data, e->n)) != 0)
		return r;
	return put_text(o, e);
}

static int
print_events(json_t *o, struct eventlog *log, enum eventlog_kind kind)
{
	json_t *names = json_array(), *events = json_array();
	struct eventlog_event e;
	char name[16];
	unsigned i;
	int r, a, b;

	/* The object owns both from here, whatever fails. */
	a = put(o, "algorithms", names);
	b = put(o, "events", events);
	if (a != 0 || b != 0)
		return CL_ERR_MEMORY;
	for (i = 0; i < log->nalgs; i++) {
		alg_name(log->alg[i].id, name);
		if (json_array_append_new(names, json_string(name)) != 0)
			return CL_ERR_MEMORY;
	}
	while ((r = eventlog_next(log, &e)) == 0)
		if ((r = print_event(events, kind, &e)) != 0)
			break;
	return r == CL_ERR_NOT_FOUND ? CL_OK : r;
}

/* A log that cannot be replayed is printed without registers. */
static int
print_registers(json_t *o, const uint8_t *p, size_t n, enum eventlog_kind kind)
{
	struct eventlog_registers regs;
	json_t *list = json_object();
	char name[16];
	unsigned i;
	int r;

	if ((r = put(o, "registers", list)) != 0)
		return r;
	if (eventlog_replay(p, n, kind, 0, &regs) != 0)
		return put(o, "registers", json_null());
	for (i = 0; i < regs.n; i++) {
		eventlog_register_name(
		    kind, i + (kind == EVENTLOG_TDX ? 1 : 0), name);
		r = put_hex(list, name, regs.value[i], regs.size);
		if (r != 0)
			return r;
	}
	return CL_OK;
}

int
eventlog_print(
    const uint8_t *p, size_t n, enum eventlog_kind kind, json_t **out)
{
	struct eventlog log;
	json_t *o;
	int r;

	if ((r = eventlog_open(&log, p, n)) != 0)
		return r;
	if (!(o = json_object()))
		return CL_ERR_MEMORY;
	if ((r = print_events(o, &log, kind)) != 0 ||
	    (r = print_registers(o, p, n, kind)) != 0) {
		json_decref(o);
		return r;
	}
	*out = o;
	return CL_OK;
}
