#include "tests/fake/tsm.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DATA	   TSM_FAKE_DATA
#define ENTRIES	   16
#define BLOB_MAX   65536
#define SNP	   1184
#define QUOTE_BODY 584
#define QUOTE_AUTH 700
#define TEXT	   64
#define VTPM	   "c476f1eb-0123-45a5-9641-b4e7dde5bfe3"

enum attr {
	PROVIDER,
	GENERATION,
	INBLOB,
	OUTBLOB,
	AUXBLOB,
	PRIVLEVEL,
	PRIVLEVEL_FLOOR,
	SERVICE_PROVIDER,
	SERVICE_GUID,
	SERVICE_VERSION,
	MANIFEST,
	ATTRS
};

static const struct {
	const char *name;
	mode_t mode;
} attrs[ATTRS] = {{"provider", 0400}, {"generation", 0400}, {"inblob", 0200},
    {"outblob", 0400}, {"auxblob", 0400}, {"privlevel", 0200},
    {"privlevel_floor", 0400}, {"service_provider", 0200},
    {"service_guid", 0200}, {"service_manifest_version", 0200},
    {"manifestblob", 0400}};

struct entry {
	char name[64]; /* "": free */
	unsigned long written, made;
	bool has_report, spoiled, svsm, vtpm;
	unsigned privlevel;
	unsigned char in[DATA], pending[2 * DATA];
	size_t in_n, pending_n;
	size_t out_n;
	unsigned char out[BLOB_MAX];
};

static struct {
	const char *provider, *gate;
	int floor; /* -1: none */
	unsigned char aux[BLOB_MAX];
	unsigned char manifest[BLOB_MAX];
	size_t aux_n, manifest_n, chunk, pad;
	int busy, throttle_ms, race, late, fail;
	bool lie;
} fs = {.provider = "sev_guest", .floor = -1, .chunk = BLOB_MAX};

static struct entry entries[ENTRIES];
static long long last_ms;
static const struct tsm_signer *signer;

static bool
is_snp(void)
{
	return strcmp(fs.provider, "sev_guest") == 0;
}

static bool
is_visible(enum attr a)
{
	if (a == AUXBLOB)
		return is_snp();
	if (a >= SERVICE_PROVIDER)
		return fs.manifest_n > 0;
	return (a != PRIVLEVEL && a != PRIVLEVEL_FLOOR) || fs.floor >= 0;
}

/* ---- paths: /ENTRY or /ENTRY/ATTRIBUTE ---- */

static struct entry *
find(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < ENTRIES; i++)
		if (n && strlen(entries[i].name) == n &&
		    strncmp(entries[i].name, name, n) == 0)
			return &entries[i];
	return NULL;
}

/* *a is ATTRS for a folder. */
static int
look_up(const char *path, struct entry **e, enum attr *a)
{
	const char *name = path + 1, *slash = strchr(name, '/');
	int i;

	*a = ATTRS;
	*e = find(name, slash ? (size_t)(slash - name) : strlen(name));
	if (!*e)
		return -ENOENT;
	if (!slash)
		return 0;
	for (i = 0; i < ATTRS; i++)
		if (strcmp(slash + 1, attrs[i].name) == 0 && is_visible(i)) {
			*a = i;
			return 0;
		}
	return -ENOENT;
}

static int
tsm_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	struct entry *e;
	enum attr a;
	int r;

	(void)fi;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 2;
	if (strcmp(path, "/") == 0)
		return 0;
	if ((r = look_up(path, &e, &a)) != 0)
		return r;
	if (a != ATTRS)
		st->st_mode = S_IFREG | attrs[a].mode;
	return 0;
}

static int
tsm_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	int i;

	(void)off;
	(void)fi;
	(void)flags;
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	if (strcmp(path, "/") == 0) {
		for (i = 0; i < ENTRIES; i++)
			if (entries[i].name[0])
				fill(buf, entries[i].name, NULL, 0, 0);
	} else {
		for (i = 0; i < ATTRS; i++)
			if (is_visible(i))
				fill(buf, attrs[i].name, NULL, 0, 0);
	}
	return 0;
}

static int
tsm_mkdir(const char *path, mode_t mode)
{
	int i;

	(void)mode;
	if (strchr(path + 1, '/'))
		return -EPERM;
	if (find(path + 1, strlen(path + 1)))
		return -EEXIST;
	for (i = 0; i < ENTRIES && entries[i].name[0]; i++)
		;
	if (i == ENTRIES || strlen(path + 1) >= sizeof(entries[i].name))
		return -ENOSPC;
	memset(&entries[i], 0, sizeof(entries[i]));
	strcpy(entries[i].name, path + 1);
	return 0;
}

static int
tsm_rmdir(const char *path)
{
	struct entry *e;
	enum attr a;
	int r;

	if ((r = look_up(path, &e, &a)) != 0 || a != ATTRS)
		return r ? r : -ENOTDIR;
	e->name[0] = '\0';
	return 0;
}

/* ---- reports ---- */

static void
put32(unsigned char *p, unsigned v)
{
	p[0] = v & 0xff;
	p[1] = v >> 8 & 0xff;
	p[2] = v >> 16 & 0xff;
	p[3] = v >> 24 & 0xff;
}

/* Of whoever answers. */
static unsigned
level(const struct entry *e)
{
	return e->svsm ? 0 : e->privlevel;
}

/* What the SVSM has its report say: SHA-512(data, manifest). */
static void
about_manifest(unsigned char data[DATA])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	EVP_DigestInit(ctx, EVP_sha512());
	EVP_DigestUpdate(ctx, data, DATA);
	EVP_DigestUpdate(ctx, fs.manifest, fs.manifest_n);
	EVP_DigestFinal(ctx, data, NULL);
	EVP_MD_CTX_free(ctx);
}

static void
make_snp(struct entry *e, const unsigned char *data)
{
	unsigned char *p = e->out;

	e->out_n = SNP;
	put32(p, 2);
	p[0x0a] = 3; /* policy 0x30000 */
	put32(p + 0x30, level(e));
	put32(p + 0x34, 1);
	memcpy(p + 0x50, data, DATA);
}

static void
make_quote(struct entry *e, const unsigned char *data)
{
	unsigned char *p = e->out;

	p[0] = 4;
	p[2] = 2;
	put32(p + 4, 0x81);
	memcpy(p + 48 + 520, data, DATA);
	put32(p + 48 + QUOTE_BODY, QUOTE_AUTH);
	memset(p + 52 + QUOTE_BODY, 0x5a, QUOTE_AUTH + fs.pad);
	e->out_n = 52 + QUOTE_BODY + QUOTE_AUTH + fs.pad;
}

static bool
too_soon(void)
{
	struct timespec t;
	long long now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = t.tv_sec * 1000ll + t.tv_nsec / 1000000;
	if (last_ms && now - last_ms < fs.throttle_ms)
		return true;
	last_ms = now;
	return false;
}

/* What another process, that found our folder, does. */
static void
intrude(struct entry *e)
{
	memset(e->in, 0xee, DATA);
	e->in_n = DATA;
	e->written++;
	e->spoiled = true;
}

/* By somebody who can. */
static int
sign(struct entry *e, const unsigned char *data)
{
	e->out_n = signer->report(data, level(e), e->out, BLOB_MAX - fs.pad);
	if (!e->out_n)
		return -EIO;
	if (is_snp())
		fs.aux_n = signer->certs(fs.aux, BLOB_MAX);
	memset(e->out + e->out_n, 0x5a, fs.pad);
	e->out_n += fs.pad;
	return 0;
}

/* For as long as the test likes. */
static void
wait_gate(void)
{
	char waits[256];

	snprintf(waits, sizeof(waits), "%s.waits", fs.gate ? fs.gate : "");
	while (fs.gate && access(fs.gate, F_OK) == 0)
		usleep(1000 * (mkdir(waits, 0700) ? 1u : 0u));
}

static int
make_report(struct entry *e)
{
	unsigned char data[DATA];
	int r;

	if (fs.race > 0 && !e->spoiled) {
		fs.race--;
		intrude(e);
	}
	if (e->has_report && e->made == e->written)
		return 0;
	if (e->in_n != DATA || (e->svsm && !e->vtpm) ||
	    (!e->svsm && fs.floor >= 0 && (int)e->privlevel < fs.floor))
		return -EINVAL;
	if (fs.busy > 0) {
		fs.busy--;
		return -EBUSY;
	}
	if (fs.fail)
		return -fs.fail;
	if (too_soon())
		return -EAGAIN;
	wait_gate();
	memcpy(data, e->in, DATA);
	if (e->svsm)
		about_manifest(data);
	data[0] ^= fs.lie;
	memset(e->out, 0, sizeof(e->out));
	if (signer && (r = sign(e, data)) != 0)
		return r;
	if (!signer && is_snp())
		make_snp(e, data);
	if (!signer && !is_snp())
		make_quote(e, data);
	e->has_report = true;
	e->made = e->written;
	if (fs.late > 0 && !e->spoiled) {
		fs.late--;
		intrude(e);
		e->made = e->written; /* what is being read stays */
	}
	return 0;
}

/* ---- attributes ---- */

static int
tsm_open(const char *path, struct fuse_file_info *fi)
{
	struct entry *e;
	enum attr a;
	int r;

	if ((r = look_up(path, &e, &a)) != 0)
		return r;
	/* No cache: sizes are unknown, and each read is the client's own. */
	fi->direct_io = 1;
	if ((fi->flags & O_ACCMODE) !=
	    (attrs[a].mode & 0200 ? O_WRONLY : O_RDONLY))
		return -EACCES;
	if (a == INBLOB)
		e->pending_n = 0;
	return 0;
}

static int
give(const void *p, size_t n, char *buf, size_t size, off_t off)
{
	if ((size_t)off >= n)
		return 0;
	n -= (size_t)off;
	if (n > size)
		n = size;
	if (n > fs.chunk)
		n = fs.chunk;
	memcpy(buf, (const char *)p + off, n);
	return (int)n;
}

static int
read_blob(struct entry *e, enum attr a, char *buf, size_t size, off_t off)
{
	int r;

	/* Made, or made anew, at the beginning of a file only. */
	if (off == 0 && (r = make_report(e)) != 0)
		return r;
	if (a == OUTBLOB)
		return give(e->out, e->out_n, buf, size, off);
	/* An SVSM passes on no certificates, the platform has no manifest. */
	if (a == MANIFEST)
		return e->svsm
			   ? give(fs.manifest, fs.manifest_n, buf, size, off)
			   : 0;
	return e->svsm ? 0 : give(fs.aux, fs.aux_n, buf, size, off);
}

static int
tsm_read(const char *path, char *buf, size_t size, off_t off,
    struct fuse_file_info *fi)
{
	char text[TEXT];
	struct entry *e;
	enum attr a;
	int r;

	(void)fi;
	if ((r = look_up(path, &e, &a)) != 0)
		return r;
	if (a == OUTBLOB || a == AUXBLOB || a == MANIFEST)
		return read_blob(e, a, buf, size, off);
	if (a == PROVIDER)
		snprintf(text, sizeof(text), "%s\n", fs.provider);
	else if (a == GENERATION)
		snprintf(text, sizeof(text), "%lu\n", e->written);
	else
		snprintf(text, sizeof(text), "%d\n", fs.floor);
	return give(text, strlen(text), buf, size, off);
}

/* ASCII decimal, 0 to 3, not below the floor. */
static int
set_level(struct entry *e, const char *buf, size_t n)
{
	if (n < 1 || n > 2 || buf[0] < '0' || buf[0] > '3' ||
	    (n == 2 && buf[1] != '\n') || buf[0] - '0' < fs.floor)
		return -EINVAL;
	e->privlevel = (unsigned)(buf[0] - '0');
	e->written++;
	return (int)n;
}

static bool
is(const char *buf, size_t n, const char *text)
{
	n -= n && buf[n - 1] == '\n';
	return n == strlen(text) && memcmp(buf, text, n) == 0;
}

/* The kernel knows one provider; services and versions are the SVSM's. */
static int
set_service(struct entry *e, enum attr a, const char *buf, size_t n)
{
	if (a == SERVICE_PROVIDER && !is(buf, n, "svsm"))
		return -EINVAL;
	if (a == SERVICE_VERSION && !is(buf, n, "0"))
		return -EINVAL;
	if (a == SERVICE_PROVIDER)
		e->svsm = true;
	if (a == SERVICE_GUID)
		e->vtpm = is(buf, n, VTPM);
	e->written++;
	return (int)n;
}

static int
tsm_write(const char *path, const char *buf, size_t n, off_t off,
    struct fuse_file_info *fi)
{
	struct entry *e;
	enum attr a;
	int r;

	(void)fi;
	if ((r = look_up(path, &e, &a)) != 0)
		return r;
	if (a == PRIVLEVEL)
		return set_level(e, buf, n);
	if (a == SERVICE_PROVIDER || a == SERVICE_GUID || a == SERVICE_VERSION)
		return set_service(e, a, buf, n);
	if (a != INBLOB)
		return -EACCES;
	if ((size_t)off + n > DATA)
		return -EFBIG;
	memcpy(e->pending + off, buf, n);
	e->pending_n = (size_t)off + n;
	return (int)n;
}

/* Called by close(), which waits for it, as it does for configfs. */
static int
tsm_flush(const char *path, struct fuse_file_info *fi)
{
	struct entry *e;
	enum attr a;

	(void)fi;
	if (look_up(path, &e, &a) != 0 || a != INBLOB || !e->pending_n)
		return 0;
	memcpy(e->in, e->pending, e->pending_n);
	e->in_n = e->pending_n;
	e->pending_n = 0;
	e->written++;
	return 0;
}

static int
tsm_truncate(const char *path, off_t n, struct fuse_file_info *fi)
{
	(void)path;
	(void)n;
	(void)fi;
	return 0;
}

static const struct fuse_operations operations = {
    .getattr = tsm_getattr,
    .readdir = tsm_readdir,
    .mkdir = tsm_mkdir,
    .rmdir = tsm_rmdir,
    .open = tsm_open,
    .read = tsm_read,
    .write = tsm_write,
    .flush = tsm_flush,
    .truncate = tsm_truncate,
};

/* ---- options ---- */

static bool
load(const char *path, unsigned char *out, size_t *n)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	*n = fread(out, 1, BLOB_MAX, f);
	fclose(f);
	return true;
}

bool
tsm_take(int c, const char *arg)
{
	switch (c) {
	case 'p':
		fs.provider = arg;
		return true;
	case 'f':
		fs.floor = atoi(arg);
		return true;
	case 'a':
		return load(arg, fs.aux, &fs.aux_n);
	case 'c':
		fs.chunk = (size_t)atoi(arg);
		return fs.chunk > 0;
	case 'b':
		fs.busy = atoi(arg);
		return true;
	case 't':
		fs.throttle_ms = atoi(arg);
		return true;
	case 'r':
		fs.race = atoi(arg);
		return true;
	case 'l':
		fs.late = atoi(arg);
		return true;
	case 'x':
		fs.lie = true;
		return true;
	case 'e':
		fs.fail = atoi(arg);
		return true;
	case 's':
		return load(arg, fs.manifest, &fs.manifest_n);
	case 'g':
		fs.gate = arg;
		return true;
	case 'd':
		fs.pad = (size_t)atoi(arg);
		return fs.pad < BLOB_MAX / 2;
	default:
		return false;
	}
}

void
tsm_reset(void)
{
	fs.chunk = BLOB_MAX;
	fs.busy = fs.throttle_ms = fs.race = fs.late = fs.fail = 0;
	fs.pad = 0;
	fs.lie = false;
}

void
tsm_sign(const struct tsm_signer *s)
{
	signer = s;
}

const struct fuse_operations *
tsm_operations(void)
{
	return &operations;
}
