/*
 * Text forms of date, timestamp and timestamptz. Printing is PostgreSQL's with
 * DateStyle ISO and TimeZone UTC. Reading takes what that prints, ISO 8601,
 * and what people write in its manner:
 *
 *	date	2024-02-29 | 2024-2-9 | 20240229
 *	time	04:05 | 04:05:06 | 04:05:06.789 | T040506.789
 *	zone	Z | UTC | GMT | +02 | +0200 | -02:30 | -02:30:15
 *	era	BC | AD
 *	or	infinity | -infinity | epoch
 *
 * A date may be followed by a time (after white space or T), that by a zone,
 * and all by an era. Years have three digits or more (the compact form: four).
 *What each means is what PostgreSQL means by it; a timestamp without a zone is
 *UTC, a date drops the time, a timestamp drops the zone. Its other forms, such
 *as names of months, depend on settings and are refused.
 */
#ifndef CLOISTER_TDE_DATETEXT_H
#define CLOISTER_TDE_DATETEXT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define DATETEXT_MAX 48u /* bytes that a printer may need */

/* type: TYPE_DATE (days), TYPE_TIMESTAMP or TYPE_TIMESTAMPTZ (microseconds).
 * CL_ERR_DATE_TEXT bad syntax, CL_ERR_DATETIME a field or all of it is out of
 * range. */
CL_MUST_CHECK int datetext_parse(
    uint8_t type, const char *text, size_t n, int64_t *v);
/* Bytes written, no NUL; v is a legal value. */
size_t datetext_print(uint8_t type, int64_t v, char out[DATETEXT_MAX]);

#endif
