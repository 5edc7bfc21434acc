/*
 * What a confidential guest has, without one: a file system with
 *
 *	FOLDER/guest/report		configfs-tsm (tests/fake/tsm.h)
 *	FOLDER/guest/dev		sev-guest, tdx_guest or csv-guest
 *	FOLDER/guest/measurements	TDX's registers, as the kernel's driver
 *					shows them
 *	FOLDER/quotes			the host's quote service (TDX), a socket
 *
 * signed by a vendor that is made anew (tests/fake/vendor.h) and leaves what
 * verifiers need in FOLDER. Serves until it is unmounted.
 *
 *	guest --kind snp|tdx|csv [options] FOLDER
 *	--tsm		reports through configfs-tsm; else through the device
 *	--product N	AMD's: 0 Milan, 1 Genoa, 2 Turin
 *	--version N	of quotes (4, 5) or of CSV's reports (1, 2, 3)
 *
 * How it behaves is read anew for each request from FOLDER/how, when that
 * changed: options of tests/fake/tsm.h, and
 *
 *	--other		other software was measured
 *	--debug		the host may read the guest's memory
 *	--no-certs	the host has no certificates
 *	--silent	the device says that it answered, and did not
 *	--positive	failures are positive results (CSV)
 *	--slow MS	it takes so long; FOLDER/asked is there then
 *	--no-quotes	the quote service hangs up
 *	--old-quotes	it answers with the quote that it made last
 */
#include "tests/fake/tsm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fake/guest.h"

#define WORDS	  32
#define HOW_MAX	  1024
#define REGISTERS 4
#define DIGEST	  48

static struct {
	enum guest_kind kind;
	bool tsm;
	struct how how, plain; /* plain: as it was started */
	const char *dir;
	struct timespec changed; /* of dir/how */
	ino_t inode;
} guest;

static const char *const devices[] = {"sev-guest", "tdx_guest", "csv-guest"};

/* ---- options ---- */

static const struct option longs[] = {TSM_OPTIONS,
    {"kind", required_argument, NULL, 'K'}, {"tsm", no_argument, NULL, 'T'},
    {"product", required_argument, NULL, 'P'},
    {"version", required_argument, NULL, 'V'},
    {"other", no_argument, NULL, 'O'}, {"debug", no_argument, NULL, 'D'},
    {"no-certs", no_argument, NULL, 'N'}, {"silent", no_argument, NULL, 'S'},
    {"positive", no_argument, NULL, 'R'},
    {"slow", required_argument, NULL, 'W'},
    {"no-quotes", no_argument, NULL, 'Q'},
    {"old-quotes", no_argument, NULL, 'L'}, {NULL, 0, NULL, 0}};

static bool
set_kind(const char *name)
{
	static const char *const names[] = {"snp", "tdx", "csv"};
	unsigned i;

	for (i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0) {
			guest.kind = i;
			guest.how.version = i == GUEST_TDX ? 4 : 1;
			return true;
		}
	return false;
}

static bool
take(int c, const char *arg)
{
	struct how *how = &guest.how;

	switch (c) {
	case 'K':
		return set_kind(arg);
	case 'T':
		return guest.tsm = true;
	case 'P':
		how->product = (unsigned)atoi(arg);
		return how->product <= 2;
	case 'V':
		how->version = (unsigned)atoi(arg);
		return how->version >= 1 && how->version <= 5;
	case 'O':
		return how->other = true;
	case 'D':
		return how->debug = true;
	case 'N':
		return how->no_certs = true;
	case 'S':
		return how->silent = true;
	case 'R':
		return how->positive = true;
	case 'W':
		how->slow_ms = atoi(arg);
		return how->slow_ms > 0;
	case 'Q':
		return how->no_quotes = true;
	case 'L':
		return how->old_quotes = true;
	case 'e':
		how->fail = atoi(arg);
		return tsm_take(c, arg);
	case 'x':
		/* What is signed lies; the file system itself does not. */
		return how->lie = true;
	default:
		return tsm_take(c, arg);
	}
}

static bool
take_all(int argc, char **argv)
{
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take(c, optarg))
			return false;
	return true;
}

/* Options from dir/how, which is replaced and never rewritten. */
static void
look(void)
{
	char path[4096], text[HOW_MAX + 1], *argv[WORDS + 1] = {(char *)"how"};
	char *word, *save = NULL;
	struct stat st;
	FILE *f;
	int argc = 1;

	snprintf(path, sizeof(path), "%s/how", guest.dir);
	if (!(f = fopen(path, "r")))
		return;
	if (fstat(fileno(f), &st) == 0 &&
	    (st.st_ino != guest.inode ||
		memcmp(&st.st_mtim, &guest.changed, sizeof(st.st_mtim)))) {
		guest.inode = st.st_ino;
		guest.changed = st.st_mtim;
		text[fread(text, 1, HOW_MAX, f)] = '\0';
		for (word = strtok_r(text, " \n", &save); word && argc < WORDS;
		     word = strtok_r(NULL, " \n", &save))
			argv[argc++] = strdup(word); /* for good */
		guest.how = guest.plain;
		tsm_reset();
		if (!take_all(argc, argv)) {
			fprintf(stderr, "%s: a bad option\n", path);
			abort();
		}
	}
	fclose(f);
}

static void
take_time(void)
{
	if (!guest.how.slow_ms)
		return;
	vendor_write(guest.dir, "asked", "", 0);
	usleep((useconds_t)guest.how.slow_ms * 1000);
}

/* ---- what configfs-tsm signs ---- */

static size_t
sign(const unsigned char data[TSM_FAKE_DATA], unsigned privlevel,
    unsigned char *out, size_t cap)
{
	uint8_t tdreport[VENDOR_TDREPORT];

	take_time();
	if (guest.kind == GUEST_TDX) {
		intel_tdreport(data, &guest.how, tdreport);
		return intel_quote(tdreport, &guest.how, out, cap);
	}
	amd_report(data, privlevel, &guest.how, out);
	return VENDOR_REPORT;
}

static size_t
certs(unsigned char *out, size_t cap)
{
	return guest.how.no_certs ? 0 : amd_certs(out, cap);
}

/* ---- the file system ---- */

/* What is below /NAME, "/" for itself; NULL: another path. */
static const char *
below(const char *path, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(path + 1, name, n) != 0)
		return NULL;
	path += n + 1;
	return *path == '/' ? path : *path ? NULL : "/";
}

static const char *
in_tsm(const char *path)
{
	return guest.tsm ? below(path, "report") : NULL;
}

static bool
is_device(const char *path)
{
	const char *name = guest.tsm ? NULL : below(path, "dev");

	return name && strcmp(name + 1, devices[guest.kind]) == 0;
}

/* The kernel's names: rtmr0:sha384 to rtmr3:sha384. -1: none of them. */
static int
which_register(const char *path)
{
	const char *name =
	    guest.kind == GUEST_TDX ? below(path, "measurements") : NULL;
	char wanted[32];
	int i;

	for (i = 0; name && i < REGISTERS; i++) {
		snprintf(wanted, sizeof(wanted), "/rtmr%d:sha384", i);
		if (strcmp(name, wanted) == 0)
			return i;
	}
	return -1;
}

static bool
is_folder(const char *path)
{
	const char *b;

	if (strcmp(path, "/") == 0)
		return true;
	b = below(path, "dev");
	if (!b && guest.kind == GUEST_TDX)
		b = below(path, "measurements");
	return b && strcmp(b, "/") == 0;
}

static int
guest_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const char *tsm = in_tsm(path);

	if (tsm)
		return tsm_operations()->getattr(tsm, st, fi);
	memset(st, 0, sizeof(*st));
	st->st_nlink = 1;
	st->st_mode = is_folder(path) ? S_IFDIR | 0755 : S_IFREG | 0600;
	if (is_folder(path) || is_device(path))
		return 0;
	if (which_register(path) < 0)
		return -ENOENT;
	st->st_size = DIGEST;
	return 0;
}

static int
guest_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	const char *tsm = in_tsm(path);

	if (tsm)
		return tsm_operations()->readdir(
		    tsm, buf, fill, off, fi, flags);
	fill(buf, ".", NULL, 0, 0);
	fill(buf, "..", NULL, 0, 0);
	if (strcmp(path, "/dev") == 0 && !guest.tsm)
		fill(buf, devices[guest.kind], NULL, 0, 0);
	return 0;
}

static int
guest_mkdir(const char *path, mode_t mode)
{
	const char *tsm = in_tsm(path);

	look();
	return tsm ? tsm_operations()->mkdir(tsm, mode) : -EPERM;
}

static int
guest_rmdir(const char *path)
{
	const char *tsm = in_tsm(path);

	return tsm ? tsm_operations()->rmdir(tsm) : -EPERM;
}

static int
guest_open(const char *path, struct fuse_file_info *fi)
{
	const char *tsm = in_tsm(path);

	if (tsm)
		return tsm_operations()->open(tsm, fi);
	fi->direct_io = 1;
	return is_device(path) || which_register(path) >= 0 ? 0 : -ENOENT;
}

static int
guest_read(
    const char *path, char *buf, size_t n, off_t off, struct fuse_file_info *fi)
{
	const char *tsm = in_tsm(path);
	int i = which_register(path);

	if (tsm)
		return tsm_operations()->read(tsm, buf, n, off, fi);
	if (i < 0)
		return -EINVAL;
	if (off >= DIGEST)
		return 0;
	if (n > (size_t)(DIGEST - off))
		n = (size_t)(DIGEST - off);
	memcpy(buf, intel_register((unsigned)i) + off, n);
	return (int)n;
}

/* A whole digest extends; 2 and 3 are the system's. */
static int
guest_write(const char *path, const char *buf, size_t n, off_t off,
    struct fuse_file_info *fi)
{
	const char *tsm = in_tsm(path);
	int i = which_register(path);

	if (tsm)
		return tsm_operations()->write(tsm, buf, n, off, fi);
	if (n != DIGEST || off || i < 0)
		return -EINVAL;
	if (i < 2)
		return -EPERM;
	intel_extend((unsigned)i, (const uint8_t *)buf);
	return DIGEST;
}

static int
guest_flush(const char *path, struct fuse_file_info *fi)
{
	const char *tsm = in_tsm(path);

	return tsm ? tsm_operations()->flush(tsm, fi) : 0;
}

static int
guest_truncate(const char *path, off_t n, struct fuse_file_info *fi)
{
	(void)path;
	(void)n;
	(void)fi;
	return 0;
}

static int
guest_control(const char *path, unsigned request, void *arg,
    struct fuse_file_info *fi, unsigned flags, void *data)
{
	(void)fi;
	(void)flags;
	if (!is_device(path))
		return -ENOTTY;
	look();
	take_time();
	return guest_ioctl(guest.kind, &guest.how, fuse_get_context()->pid,
	    request, (uint64_t)(uintptr_t)arg, data);
}

static const struct fuse_operations operations = {
    .getattr = guest_getattr,
    .readdir = guest_readdir,
    .mkdir = guest_mkdir,
    .rmdir = guest_rmdir,
    .open = guest_open,
    .read = guest_read,
    .write = guest_write,
    .flush = guest_flush,
    .truncate = guest_truncate,
    .ioctl = guest_control,
};

static void
begin(void)
{
	static const struct tsm_signer signer = {sign, certs};
	char path[4096];

	guest.plain = guest.how;
	switch (guest.kind) {
	case GUEST_SNP:
		amd_begin(guest.dir, &guest.how);
		break;
	case GUEST_TDX:
		intel_begin(guest.dir);
		snprintf(path, sizeof(path), "%s/quotes", guest.dir);
		guest_quotes(path, &guest.how, look);
		break;
	case GUEST_CSV:
		hygon_begin(guest.dir);
		break;
	}
	(void)tsm_take(
	    'p', guest.kind == GUEST_TDX ? "tdx_guest" : "sev_guest");
	tsm_sign(&signer);
}

int
main(int argc, char **argv)
{
	static char mount[4096];
	char *fuse_argv[] = {argv[0], (char *)"-f", (char *)"-s",
	    (char *)"-odefault_permissions,attr_timeout=0,entry_timeout=0",
	    mount, NULL};

	if (!take_all(argc, argv) || optind != argc - 1)
		return 2;
	guest.dir = argv[optind];
	snprintf(mount, sizeof(mount), "%s/guest", guest.dir);
	if (mkdir(mount, 0755)) {
		perror(mount);
		return 1;
	}
	begin();
	return fuse_main(5, fuse_argv, &operations, NULL);
}
