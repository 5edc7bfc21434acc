#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/command.h"
#include "client/evidence_file.h"
#include "client/out.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

static int
take_tee(struct evidence_file *f, const char *tee)
{
	f->ask.tee = tee;
	if (appraise_knows(tee))
		return 1;
	f->o.status = command_usage(f->o.name,
	    "--tee: expected snp, tdx, csv, tpm or sim, came \"%s\"", tee);
	return 0;
}

static int
take_report_data(struct evidence_file *f, const char *text)
{
	size_t n;

	f->ask.report_data = f->report_data;
	return options_hex(&f->o, "--report-data", text, f->report_data,
	    sizeof(f->report_data), &n);
}

int
evidence_file_take(struct evidence_file *f, int option)
{
	int taken = endorsements_take(&f->places, &f->o, option);

	if (taken >= 0)
		return taken;
	switch (option) {
	case EVIDENCE_FILE_NONCE:
		f->ask.nonce = f->nonce;
		return options_nonce(&f->o, optarg, f->nonce);
	case EVIDENCE_FILE_POLICY:
		f->ask.policy = optarg;
		return 1;
	case EVIDENCE_FILE_TEE:
		return take_tee(f, optarg);
	case EVIDENCE_FILE_REPORT_DATA:
		return take_report_data(f, optarg);
	case EVIDENCE_FILE_EVENTLOG:
		f->eventlog = optarg;
		return 1;
	default:
		return options_time(&f->o, optarg, &f->ask.time);
	}
}

static int
add_piece(void *arg, const char *p, size_t n)
{
	struct text *t = arg;

	if (n > EVIDENCE_TEXT_MAX - t->n)
		return why_set(CL_ERR_EVIDENCE,
		    "expected evidence of at most %u bytes", EVIDENCE_TEXT_MAX);
	return text_add(t, p, n);
}

int
evidence_file_read(const char *file, struct text *out)
{
	struct stat st;
	int fd = 0, r;

	if (strcmp(file, "-") != 0)
		fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return why_set(
		    CL_ERR_IO, "cannot open %s: %s", file, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		r = why_set(
		    CL_ERR_IO, "%s is a folder, expected evidence", file);
	else
		r = out_each(fd, add_piece, out);
	if (fd > 0)
		close(fd);
	return r;
}

/* Evidence of a real TEE can be judged without being an owner. */
static int
find_home(struct evidence_file *f)
{
	int r = home_open(f->o.home, &f->home);

	if (r == 0) {
		f->ask.home = f->ask.policy ? NULL : &f->home;
		f->ask.cache = endorsements_cache(&f->places, &f->home);
		return endorsements_settle(&f->places, &f->home);
	}
	if (f->ask.policy || (r == CL_ERR_NOT_FOUND && !f->o.home))
		return endorsements_settle(&f->places, NULL);
	return r;
}

static int
read_log(struct evidence_file *f)
{
	int r;

	if (!f->eventlog)
		return CL_OK;
	r = file_read(
	    AT_FDCWD, f->eventlog, EVIDENCE_LOG_MAX, &f->log, &f->ask.log_n);
	f->ask.log = f->log;
	return r ? why_set(r, "cannot read event log %s: %s", f->eventlog,
		       err_text(r))
		 : CL_OK;
}

int
evidence_file_open(struct evidence_file *f, const char *path)
{
	int r;

	f->home.dirfd = -1;
	if ((r = find_home(f)) != 0 ||
	    (r = endorsements_open(&f->places, &f->given)) != 0 ||
	    (r = read_log(f)) != 0)
		return r;
	f->ask.given = f->given;
	f->ask.fetch = endorsements_fetch(&f->places);
	return evidence_file_read(path, &f->input);
}

void
evidence_file_close(struct evidence_file *f)
{
	endorse_free(f->given);
	secmem_free(f->log);
	text_clear(&f->input);
	home_close(&f->home);
}

int
evidence_file_judge(
    const struct evidence_file *f, struct appraisal *out, json_t **fields)
{
	return appraisal_ask(
	    &f->ask, f->input.p ? f->input.p : "", f->input.n, out, fields);
}
