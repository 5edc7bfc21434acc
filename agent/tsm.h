/*
 * Reports from the kernel through configfs-tsm (Linux 6.7 and newer,
 * Documentation/ABI/testing/configfs-tsm): one folder a request. Data of 64
 * bytes goes in, a report of the platform comes out.
 */
#ifndef CLOISTER_AGENT_TSM_H
#define CLOISTER_AGENT_TSM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define TSM_ROOT    "/sys/kernel/config/tsm/report"
#define TSM_DATA    64u
#define TSM_NAME    64u /* of a provider, with NUL */
#define TSM_REASON  256u
#define TSM_OUT_MAX (256u << 10)
#define TSM_AUX_MAX (48u << 10)

/* An SVSM's service that is the guest's TPM, and its manifest's version. */
#define TSM_SVSM_VTPM	 "c476f1eb-0123-45a5-9641-b4e7dde5bfe3"
#define TSM_SVSM_VERSION "0"
#define TSM_MANIFEST_MAX (16u << 10)

struct tsm_request {
	const char *root;
	const char *provider; /* that must answer: "sev_guest", "tdx_guest" */
	const uint8_t *data;  /* TSM_DATA bytes */
	/* Does the report contain the data? CL_OK, or why it is refused. */
	CL_MUST_CHECK int (*check)(const uint8_t *out, size_t n,
	    const uint8_t data[TSM_DATA], char reason[TSM_REASON]);
	/* NULL: the guest's own report. Else the GUID of a service of the SVSM
	 * that runs at VMPL 0 (Linux 6.10): its report, and a manifest. */
	const char *service;
};

struct tsm_report {
	uint8_t *out; /* secmem */
	size_t out_n;
	uint8_t *aux; /* secmem; NULL: none, or above TSM_AUX_MAX */
	size_t aux_n;
	uint8_t *manifest; /* secmem; of a service */
	size_t manifest_n;
};

/* Who answers there? Asks for no report. CL_ERR_NOT_FOUND: nobody;
 * CL_ERR_PERMISSION; reason says more. */
CL_MUST_CHECK int tsm_provider(
    const char *root, char name[TSM_NAME], char reason[TSM_REASON]);
/*
 * A report over the data, asked for again after a pause, a bounded number of
 * times, while the device is busy or somebody else writes to our folder. The
 * caller clears. CL_ERR_NOT_FOUND: no such interface; CL_ERR_UNSUPPORTED:
 * another provider answers, or there is no SVSM; both before a request was
 * made. CL_ERR_TIMEOUT, CL_ERR_TOO_LARGE, CL_ERR_PERMISSION, CL_ERR_IO,
 * check's.
 */
CL_MUST_CHECK int tsm_report(const struct tsm_request *q,
    struct tsm_report *report, char reason[TSM_REASON]);
void tsm_clear(struct tsm_report *report);

#endif
