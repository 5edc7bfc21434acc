#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/evidence_provider.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "policy/verify_sim.h"

#define KEY_FILE_MAX 4096u
#define EXE_MAX	     (64u << 20)

static int
load_root(const struct evidence_config *c, struct identity **root)
{
	uint8_t *pem = NULL;
	size_t n;
	int r;

	if (!c->sim_key)
		return CL_ERR_CONFIG;
	if ((r = file_read(AT_FDCWD, c->sim_key, KEY_FILE_MAX, &pem, &n)) != 0)
		return r;
	r = identity_load_private((const char *)pem, n, NULL, root);
	secmem_free(pem);
	if (r == 0 && identity_kind_of(*root) != IDENTITY_ED25519) {
		identity_free(*root);
		r = CL_ERR_UNSUPPORTED;
	}
	return r;
}

static int
sim_probe(const struct evidence_config *c, char *reason)
{
	struct identity *root;
	int r = load_root(c, &root);

	if (r == 0) {
		identity_free(root);
		(void)snprintf(reason, EVIDENCE_REASON,
		    "it is configured; it proves nothing");
		return CL_OK;
	}
	if (!c->sim_key)
		(void)snprintf(reason, EVIDENCE_REASON,
		    "tee sim needs sim_key: the path of a key made by "
		    "cloisterd --make-sim-key");
	else
		(void)snprintf(reason, EVIDENCE_REASON,
		    "sim_key %s: expected an Ed25519 private key in PEM made "
		    "by cloisterd --make-sim-key: %s",
		    c->sim_key, err_text(r));
	return r;
}

/* What stands for the launch measurement here: SHA-256 of the program. */
static int
measure_self(uint8_t out[32])
{
	struct crypto_part part;
	uint8_t *exe = NULL;
	size_t n;
	int r;

	r = file_read(AT_FDCWD, "/proc/self/exe", EXE_MAX, &exe, &n);
	if (r != 0)
		return r;
	part.p = exe;
	part.n = n;
	r = crypto_sha256(&part, 1, out);
	secmem_free(exe);
	return r;
}

static int
sim_produce(const struct evidence_config *c,
    const uint8_t report_data[EVIDENCE_REPORT_DATA], struct evidence *out,
    char *reason)
{
	struct identity *root = NULL;
	struct sim_report report;
	uint8_t raw[SIM_EVIDENCE];
	int r;

	memcpy(report.report_data, report_data, sizeof(report.report_data));
	report.time = time(NULL);
	if ((r = measure_self(report.measurement)) == 0 &&
	    (r = load_root(c, &root)) == 0 &&
	    (r = sim_make(root, &report, raw)) == 0)
		r = evidence_provider_give(out, raw, sizeof(raw));
	identity_free(root);
	if (r)
		(void)snprintf(reason, EVIDENCE_REASON, "sim: %s", err_text(r));
	return r;
}

const struct evidence_provider *
evidence_sim(void)
{
	static const struct evidence_provider sim = {
	    "sim", 0, sim_probe, sim_produce};

	return &sim;
}

/* The private key first: without it the public one is of no use. */
static int
write_pair(const struct identity *root, const char *path, const char *public)
{
	char *pem = NULL;
	int r;

	if ((r = identity_private_pem(root, NULL, &pem)) != 0)
		return r;
	r = file_write_new(AT_FDCWD, path, pem, strlen(pem), 0600);
	secmem_free(pem);
	pem = NULL;
	if (r != 0 || (r = identity_public_pem(root, &pem)) != 0)
		return r;
	r = file_write_atomic(AT_FDCWD, public, pem, strlen(pem), 0644);
	secmem_free(pem);
	return r;
}

int
evidence_sim_make_key(const char *path)
{
	struct identity *root = NULL;
	char public[PATH_MAX];
	int r;

	if ((size_t)snprintf(public, sizeof(public), "%s.pub", path) >=
	    sizeof(public))
		return CL_ERR_ARGUMENT;
	if ((r = identity_generate(IDENTITY_ED25519, &root)) != 0)
		return r;
	r = write_pair(root, path, public);
	identity_free(root);
	return r;
}
