/*
 * GET by HTTPS, over libcurl, with the manners that vendors' servers ask for:
 * one request at a time, a pause that grows when they are busy. Certificates
 * are checked, redirects are not followed, nothing is compressed, answers are
 * bounded in size and in time.
 */
#ifndef CLOISTER_CLIENT_HTTP_H
#define CLOISTER_CLIENT_HTTP_H

#include <stdbool.h>

#include "client/text.h"

/* Zeros are the defaults in brackets. */
struct http_options {
	const char *ca_file; /* PEM, in place of the system's CAs */
	unsigned timeout_ms; /* of one request [30 000] */
	unsigned total_ms;   /* of one document, pauses included [120 000] */
	unsigned attempts;   /* [4] */
	unsigned pause_ms;   /* before the second attempt [1 000]; doubles */
	unsigned longest_ms; /* a pause that a server may ask for [60 000] */
};

struct http;
CL_MUST_CHECK int http_open(const struct http_options *o, struct http **out);
void http_close(struct http *h);

struct http_request {
	const char *who;    /* "AMD KDS": for messages */
	const char *url;    /* http: or https: */
	size_t max;	    /* bytes of body */
	const char *header; /* of the answer: wanted, too; or NULL */
};

struct http_answer {
	struct text body, header; /* header: its value, p NULL without it */
};

/*
 * The body of an answer 200. Tries again on 429, 500, 502, 503, 504 and where
 * the network fails, at the time that Retry-After says. Else CL_ERR_NOT_FOUND
 * (404), CL_ERR_BUSY (still 429 or 503), CL_ERR_TIMEOUT, CL_ERR_TOO_LARGE,
 * CL_ERR_IO (network, TLS), CL_ERR_REFUSED (any other status). out is
 * http_answer_clear()ed by the caller in every case.
 */
CL_MUST_CHECK int http_get(
    struct http *h, const struct http_request *q, struct http_answer *out);
void http_answer_clear(struct http_answer *a);

#endif
