/*
 * NV indexes of a TPM (TPM 2.0 Library, part 3, 31): what firmware, paravisor
 * or cloud left there for the guest to read. All with empty authorisations.
 */
#ifndef CLOISTER_AGENT_TPM_NV_H
#define CLOISTER_AGENT_TPM_NV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tss2/tss2_esys.h>

#include "lib/err.h"

#define TPM_NV_REASON 200u

/* Is it defined and written to? */
bool tpm_nv_is_there(ESYS_CONTEXT *esys, uint32_t index);
/* All of it, in pieces that the TPM takes. *out is secmem. CL_ERR_NOT_FOUND:
 * no such index; CL_ERR_TOO_LARGE: above max; CL_ERR_TPM. Failures but the
 * first have a reason. */
CL_MUST_CHECK int tpm_nv_read(ESYS_CONTEXT *esys, uint32_t index, size_t max,
    uint8_t **out, size_t *n, char reason[TPM_NV_REASON]);
/* n bytes, at most 64, from its beginning; defines an index of that size for
 * the owner hierarchy where there is none. CL_ERR_TPM. */
CL_MUST_CHECK int tpm_nv_write(ESYS_CONTEXT *esys, uint32_t index,
    const uint8_t *p, size_t n, char reason[TPM_NV_REASON]);

#endif
