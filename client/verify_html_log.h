/* An event log on a page: registers that its replay gives, and its records
 * with what is known of each. */
#ifndef CLOISTER_CLIENT_VERIFY_HTML_LOG_H
#define CLOISTER_CLIENT_VERIFY_HTML_LOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Records that a page shows; it says how many more there are. */
#define VERIFY_HTML_RECORDS 2000u

/* log: as eventlog_print() gives it; NULL: nothing is printed. believed: the
 * evidence beside it is genuine. */
void verify_html_log(FILE *f, const json_t *log, bool believed);

#endif
