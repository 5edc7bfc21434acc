/*
 * One line per event on standard error, or handed to a sink (the engine sends
 * its lines to the broker). Under systemd each line gets an sd-daemon "<N>"
 * prefix. Callers never pass keys, plaintext or cells.
 */
#ifndef CLOISTER_LIB_LOG_H
#define CLOISTER_LIB_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

typedef void (*log_sink)(enum log_level level, const char *line);

/* Program name in front of each line; sink NULL means standard error. Lines
 * above max are dropped. Before threads exist. Without a call: "cloister",
 * up to LOG_LEVEL_INFO, standard error. */
void log_start(const char *program, enum log_level max, log_sink sink);

/* Control characters in the result are replaced by '?'; at most 1 KiB, a longer
 * one ends in "...". Thread safe; errno is kept. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Emits an already composed line (the broker, for the engine). */
void log_line(enum log_level level, const char *line);

#endif
