/*
 * The sentence behind an error code: what was expected, what came, what to do.
 * Every function of client/ that returns a failure has called one of these.
 * One text per thread; never a secret.
 */
#ifndef CLOISTER_CLIENT_WHY_H
#define CLOISTER_CLIENT_WHY_H

#include "lib/err.h"

/* Keeps the text and returns r. */
int why_set(int r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts "context: " in front of the kept text and returns r. */
int why_in(int r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Out of memory, the one failure that needs no sentence of its own. */
int why_memory(void);
/* Never NULL; "" before the first failure. */
const char *why_text(void);

#endif
