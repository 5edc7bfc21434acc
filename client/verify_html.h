/*
 * A verdict as one HTML page that needs nothing else: for somebody who reads
 * it, files it, or sends it on. Evidence is an attacker's: every text that
 * comes from it goes through verify_html_escape().
 */
#ifndef CLOISTER_CLIENT_VERIFY_HTML_H
#define CLOISTER_CLIENT_VERIFY_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/appraise.h"

struct verify_html {
	const struct appraise_result *result;
	const json_t *fields;		      /* may be NULL */
	const struct evidence_claims *claims; /* of an envelope, or NULL */
	const char *tee;  /* as asked for; NULL: that of the claims */
	const char *file; /* where the evidence came from */
	int64_t time;	  /* as of when it was verified */
	bool fresh;	  /* a nonce or report data was given */
};

void verify_html_print(FILE *f, const struct verify_html *page);
/*
 * Text between tags or in a quoted attribute. What HTML means something by
 * becomes a reference; bytes that are no UTF-8, control characters and those
 * that turn the direction of text become U+FFFD.
 */
void verify_html_escape(FILE *f, const char *s);

#endif
