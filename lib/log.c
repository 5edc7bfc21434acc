#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/log.h"

#define LINE_MAX_BYTES 1024u
#define NAME_MAX_BYTES 32u

/* Set once by log_start, before threads exist; read-only afterwards. */
static struct {
	char program[NAME_MAX_BYTES];
	enum log_level max;
	log_sink sink;
	bool journal;
} state = {"cloister", LOG_LEVEL_INFO, NULL, false};

/* systemd.exec(5), JOURNAL_STREAM: device and inode of the journal's pipe. */
static bool
stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!env || sscanf(env, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void
log_start(const char *program, enum log_level max, log_sink sink)
{
	snprintf(state.program, sizeof(state.program), "%s", program);
	state.max = max;
	state.sink = sink;
	state.journal = stderr_is_journal();
}

static unsigned
journal_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return 3;
	case LOG_LEVEL_WARNING:
		return 4;
	case LOG_LEVEL_INFO:
		return 6;
	default:
		return 7;
	}
}

static const char *
level_text(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARNING:
		return "warning: ";
	case LOG_LEVEL_INFO:
		return "";
	default:
		return "debug: ";
	}
}

/* A log line must not move a terminal's cursor or look like two lines. C1
 * controls are the two bytes C2 80 to C2 9F in UTF-8. */
static void
tame(char *s)
{
	unsigned char *p;

	for (p = (unsigned char *)s; *p; p++) {
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
		else if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
}

/* Marks a line that snprintf cut, without leaving half a UTF-8 character. */
static void
mark_cut(char *s, size_t cap)
{
	size_t n = cap - 4;

	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	memcpy(s + n, "...", 4);
}

static void
write_stderr(enum log_level level, const char *line)
{
	char out[LINE_MAX_BYTES + NAME_MAX_BYTES + 32];
	size_t done = 0;
	ssize_t r;
	int n;

	if (state.journal)
		n = snprintf(out, sizeof(out), "<%u>%s\n",
		    journal_priority(level), line);
	else
		n = snprintf(out, sizeof(out), "%s: %s%s\n", state.program,
		    level_text(level), line);
	while (n > 0 && done < (size_t)n) {
		r = write(STDERR_FILENO, out + done, (size_t)n - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return; /* nobody is left to tell */
		done += (size_t)r;
	}
}

static void
emit(enum log_level level, char *line)
{
	int saved = errno;

	tame(line);
	if (state.sink)
		state.sink(level, line);
	else
		write_stderr(level, line);
	errno = saved;
}

static void
emit_v(enum log_level level, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	int n;

	if (level > state.max)
		return;
	n = vsnprintf(line, sizeof(line), format, args);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line))
		mark_cut(line, sizeof(line));
	emit(level, line);
}

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_v(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void
log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_v(LOG_LEVEL_WARNING, format, args);
	va_end(args);
}

void
log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_v(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit_v(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}

void
log_line(enum log_level level, const char *line)
{
	char copy[LINE_MAX_BYTES];
	int n;

	if (level > state.max)
		return;
	n = snprintf(copy, sizeof(copy), "%s", line);
	if (n >= 0 && (size_t)n >= sizeof(copy))
		mark_cut(copy, sizeof(copy));
	emit(level, copy);
}
