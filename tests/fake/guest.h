/* The parts of tests/fake/guest.c. */
#ifndef CLOISTER_TESTS_FAKE_GUEST_H
#define CLOISTER_TESTS_FAKE_GUEST_H

#include <sys/types.h>

#include "tests/fake/vendor.h"

enum guest_kind { GUEST_SNP, GUEST_TDX, GUEST_CSV };

/* The device's ioctl, as the kernel's driver takes it. arg: where the caller's
 * argument is, data: a copy of it, copied back when the result is not
 * negative. Gives the result, or an errno, negative. */
int guest_ioctl(enum guest_kind kind, const struct how *how, pid_t caller,
    unsigned request, uint64_t arg, uint8_t *data);

/* The host's quote service at a UNIX socket, in a child that lives as long as
 * its parent. look() is called before each answer. */
void guest_quotes(const char *path, const struct how *how, void (*look)(void));

#endif
