#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/why.h"

#define WHY_MAX 2048

static _Thread_local char why[WHY_MAX];

int
why_set(int r, const char *format, ...)
{
	char text[WHY_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	memcpy(why, text, sizeof(why));
	return r;
}

int
why_in(int r, const char *format, ...)
{
	char context[WHY_MAX];
	size_t n;
	va_list ap;

	va_start(ap, format);
	vsnprintf(context, sizeof(context), format, ap);
	va_end(ap);
	n = strlen(context);
	if (n < sizeof(context) - 2)
		snprintf(context + n, sizeof(context) - n, ": %.*s",
		    (int)(sizeof(context) - n - 3), why);
	memcpy(why, context, sizeof(why));
	return r;
}

int
why_memory(void)
{
	return why_set(CL_ERR_MEMORY, "%s", err_text(CL_ERR_MEMORY));
}

const char *
why_text(void)
{
	return why;
}
