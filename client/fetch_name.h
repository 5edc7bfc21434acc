/* Names of fetched documents' files: for people; what they are is found by
 * content. One document, one name: a newer one replaces it. */
#ifndef CLOISTER_CLIENT_FETCH_NAME_H
#define CLOISTER_CLIENT_FETCH_NAME_H

#include "client/fetch_url.h"

#define FETCH_NAME_MAX 160u

/* "amd-vcek-milan-CHIP-TCB.der". CL_ERR_ARGUMENT: AMD's product is unknown. */
CL_MUST_CHECK int fetch_name(
    enum fetch_kind kind, const struct wanted *w, char out[FETCH_NAME_MAX]);
/* Chains of issuers are told apart by their digest. */
CL_MUST_CHECK int fetch_name_issuers(
    const char *pem, size_t n, char out[FETCH_NAME_MAX]);

#endif
