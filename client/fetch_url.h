/*
 * URLs of the vendors' documents (AMD 57230; Intel, "PCS API", version 4;
 * Hygon's certificate server). What evidence says goes into them as digits,
 * or percent-encoded: it chooses the document, never the host or the path.
 */
#ifndef CLOISTER_CLIENT_FETCH_URL_H
#define CLOISTER_CLIENT_FETCH_URL_H

#include "client/fetch_settings.h"
#include "client/wanted.h"

enum fetch_kind {
	FETCH_AMD_CHAIN, /* PEM: ASK or ASVK, and ARK */
	FETCH_VCEK,	 /* DER */
	FETCH_AMD_CRL,	 /* DER, of the ARK */
	FETCH_TCB_INFO,	 /* JSON; its issuers in a header, as of the next two */
	FETCH_QE_IDENTITY,
	FETCH_PCK_CRL,	/* DER, of the PCK CA */
	FETCH_ROOT_CRL, /* DER; a PCCS has it as hex digits */
	FETCH_HRK,	/* 832 bytes */
	FETCH_HSK_CEK,	/* 2916 bytes */
	FETCH_KINDS
};

#define FETCH_URL_MAX 640u

/* The whole URL. AMD's product must be known. CL_ERR_TOO_LARGE. */
CL_MUST_CHECK int fetch_url(const struct fetch_settings *s,
    enum fetch_kind kind, const struct wanted *w, char out[FETCH_URL_MAX]);
/* Who has it: a PCCS has the root's list beside the rest. */
enum fetch_host fetch_url_host(
    const struct fetch_settings *s, enum fetch_kind kind);
/* "%2D" and "+" (which is itself) to bytes, a NUL behind; out has n + 1.
 * CL_ERR_FORMAT. */
CL_MUST_CHECK int fetch_url_decode(
    const char *text, size_t n, char *out, size_t *out_n);

#endif
