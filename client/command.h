/*
 * The command's subcommands: one file each (cmd_*.c), one row each in main.c.
 * Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
 */
#ifndef CLOISTER_CLIENT_COMMAND_H
#define CLOISTER_CLIENT_COMMAND_H

#include <getopt.h>
#include <stddef.h>

enum command_exit { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_init(int argc, char **argv);
int cmd_provision(int argc, char **argv);
int cmd_forget(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_fetch(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_group(int argc, char **argv);
int cmd_session(int argc, char **argv);
int cmd_encrypt(int argc, char **argv);
int cmd_decrypt(int argc, char **argv);
int cmd_restore(int argc, char **argv);

/* Prints "cloister: " and why_text() on standard error; EXIT_FAILED. */
int command_failed(void);
/* The same for something that does not end the command. */
void command_warn(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
/* What is wrong with the call, and where the help is; EXIT_USAGE. */
int command_usage(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Flushes standard output; EXIT_FAILED when that fails, else status. */
int command_end(int status);

#endif
