/* The chain of trust as a picture (SVG): from the vendor's root to the key
 * that the evidence is about. A link is as good as its rows. */
#ifndef CLOISTER_CLIENT_VERIFY_HTML_CHAIN_H
#define CLOISTER_CLIENT_VERIFY_HTML_CHAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "policy/rows.h"

/* tee: "snp"; of an unknown one nothing is drawn. */
void verify_html_chain(FILE *f, const struct appraise_result *result,
    const char *tee, bool enveloped);

#endif
