/* The passphrase of the identity: from a file or the terminal, never argv. */
#ifndef CLOISTER_CLIENT_PASSPHRASE_H
#define CLOISTER_CLIENT_PASSPHRASE_H

#include "lib/err.h"

/* First line of the file, without its newline. *out: secmem string. */
CL_MUST_CHECK int passphrase_file(const char *path, char **out);
/* Asks on the terminal with echo off; twice when confirm is set. */
CL_MUST_CHECK int passphrase_ask(const char *prompt, int confirm, char **out);

#endif
