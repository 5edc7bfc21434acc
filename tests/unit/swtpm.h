/*
 * A software TPM (swtpm) for tests, and what firmware or a cloud would have
 * left in it. Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_SWTPM_H
#define CLOISTER_TESTS_SWTPM_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <tss2/tss2_mu.h>
#include <unistd.h>

#include "sealing/tpm.h"

static inline bool
swtpm_have(const char *command)
{
	char text[128];

	snprintf(text, sizeof(text), "%s --version >/dev/null 2>&1", command);
	if (system(text) == 0)
		return true;
	print_message("skipped: \"%s\" does not run\n", command);
	return false;
}

static inline bool
swtpm_listens(const char *folder, const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ok;

	assert_true(fd >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", folder, name);
	ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return ok;
}

/* In folder, where its socket is "t". */
static inline pid_t
swtpm_start(const char *folder)
{
	char dir[96], server[112], control[120];
	pid_t pid;
	const struct timespec pause = {0, 5000000};
	unsigned i;

	snprintf(dir, sizeof(dir), "dir=%s", folder);
	snprintf(server, sizeof(server), "type=unixio,path=%s/t", folder);
	snprintf(
	    control, sizeof(control), "type=unixio,path=%s/t.ctrl", folder);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", dir,
		    "--server", server, "--ctrl", control, "--flags",
		    "not-need-init,startup-clear", (char *)NULL);
		_exit(127);
	}
	for (i = 0; i < 12000 && !(swtpm_listens(folder, "t.ctrl") &&
				     swtpm_listens(folder, "t"));
	     i++)
		nanosleep(&pause, NULL);
	assert_true(i < 2000);
	return pid;
}

static inline void
swtpm_stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline void
swtpm_open(struct tpm *t, const char *tcti)
{
	static char why[SEAL_REASON];

	why[0] = '\0';
	if (tpm_open(t, tcti, why) != 0)
		fail_msg("%s", why);
}

/* An NV index that the owner may read, with this in it; what was there goes. */
static inline void
swtpm_nv(const char *tcti, uint32_t index, const uint8_t *p, size_t n)
{
	TPM2B_NV_PUBLIC public = {
	    .nvPublic = {.nvIndex = index,
		.nameAlg = TPM2_ALG_SHA256,
		.attributes =
		    TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA,
		.dataSize = (UINT16)n}};
	const TPM2B_AUTH none = {0};
	TPM2B_MAX_NV_BUFFER data;
	struct tpm t;
	ESYS_TR nv;
	size_t at;

	swtpm_open(&t, tcti);
	if (Esys_TR_FromTPMPublic(t.esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
		ESYS_TR_NONE, &nv) == 0)
		assert_int_equal(
		    Esys_NV_UndefineSpace(t.esys, ESYS_TR_RH_OWNER, nv,
			ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
		    0);
	assert_int_equal(
	    Esys_NV_DefineSpace(t.esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, &none, &public, &nv),
	    0);
	for (at = 0; at < n; at += data.size) {
		data.size = (UINT16)(n - at > 512 ? 512 : n - at);
		memcpy(data.buffer, p + at, data.size);
		assert_int_equal(Esys_NV_Write(t.esys, ESYS_TR_RH_OWNER, nv,
				     ESYS_TR_PASSWORD, ESYS_TR_NONE,
				     ESYS_TR_NONE, &data, (UINT16)at),
		    0);
	}
	(void)Esys_TR_Close(t.esys, &nv);
	tpm_close(&t);
}

/* A restricted RSA signing key, as clouds make it. */
static inline TPM2B_PUBLIC
swtpm_rsa(void)
{
	TPM2B_PUBLIC t = {0};
	TPMS_RSA_PARMS *rsa = &t.publicArea.parameters.rsaDetail;

	t.publicArea.type = TPM2_ALG_RSA;
	t.publicArea.nameAlg = TPM2_ALG_SHA256;
	t.publicArea.objectAttributes =
	    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
	    TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
	    TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
	rsa->symmetric.algorithm = TPM2_ALG_NULL;
	rsa->scheme.scheme = TPM2_ALG_RSASSA;
	rsa->scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
	rsa->keyBits = 2048;
	return t;
}

/* That key, made in the hierarchy, at a persistent handle. */
static inline void
swtpm_persist(const char *tcti, ESYS_TR hierarchy, TPM2_HANDLE handle,
    TPM2B_PUBLIC *public)
{
	const TPM2B_SENSITIVE_CREATE no_secret = {0};
	const TPML_PCR_SELECTION no_pcrs = {0};
	const TPM2B_DATA no_data = {0};
	const TPM2B_PUBLIC template = swtpm_rsa();
	TPM2B_PUBLIC *made;
	ESYS_TR key, kept;
	struct tpm t;

	swtpm_open(&t, tcti);
	assert_int_equal(Esys_CreatePrimary(t.esys, hierarchy, ESYS_TR_PASSWORD,
			     ESYS_TR_NONE, ESYS_TR_NONE, &no_secret, &template,
			     &no_data, &no_pcrs, &key, &made, NULL, NULL, NULL),
	    0);
	assert_int_equal(
	    Esys_EvictControl(t.esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD,
		ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept),
	    0);
	*public = *made;
	Esys_Free(made);
	(void)Esys_TR_Close(t.esys, &kept);
	(void)Esys_FlushContext(t.esys, key);
	tpm_close(&t);
}

#endif
