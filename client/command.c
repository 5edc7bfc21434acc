#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/why.h"

int
command_failed(void)
{
	fflush(stdout);
	fprintf(stderr, "cloister: %s\n", why_text());
	return EXIT_FAILED;
}

void
command_warn(const char *format, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, format);
	fputs("cloister: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int
command_usage(const char *name, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fprintf(stderr, "cloister %s: ", name);
	vfprintf(stderr, format, ap);
	fprintf(stderr, "; see: cloister %s --help\n", name);
	va_end(ap);
	return EXIT_USAGE;
}

int
command_end(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	(void)why_set(
	    CL_ERR_IO, "cannot write the output: %s", strerror(errno));
	return command_failed();
}
