#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/command.h"
#include "client/options.h"
#include "client/why.h"

static int
over(struct options *o, int status)
{
	o->status = status;
	return -2;
}

/* getopt has left what it did not like in optopt, or in argv[optind - 1]. */
static int
bad_option(struct options *o, int c, char **argv)
{
	const char *came = argv[optind - 1];

	if (c == ':')
		return over(
		    o, command_usage(o->name, "option %s needs a value", came));
	if (optopt && optopt < 256 && strncmp(came, "--", 2) != 0)
		return over(
		    o, command_usage(o->name, "unknown option -%c", optopt));
	return over(
	    o, command_usage(o->name, "unknown or ambiguous option %s", came));
}

int
options_next(struct options *o, int argc, char **argv)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, o->shorts, o->longs, NULL)) != -1) {
		if (c == 'h' && !strstr(o->shorts, "h:"))
			c = OPTIONS_HELP;
		switch (c) {
		case OPTIONS_HELP:
			fputs(o->help, stdout);
			return over(o, command_end(EXIT_DONE));
		case OPTIONS_HOME:
			o->home = optarg;
			break;
		case OPTIONS_PASSPHRASE_FILE:
			o->passphrase_file = optarg;
			break;
		case OPTIONS_SOCKET:
			o->socket = optarg;
			break;
		case ':':
		case '?':
			return bad_option(o, c, argv);
		default:
			return c;
		}
	}
	return -1;
}

int
options_conninfo(
    struct options *o, int argc, char **argv, const char **conninfo)
{
	*conninfo = optind < argc ? argv[optind++] : NULL;
	if (optind < argc) {
		(void)over(
		    o, command_usage(o->name,
			   "expected at most one conninfo, came also \"%s\"",
			   argv[optind]));
		return 0;
	}
	if (*conninfo && o->socket) {
		(void)over(
		    o, command_usage(o->name,
			   "expected a conninfo or --socket, came both"));
		return 0;
	}
	return 1;
}

int
options_remote(
    const struct options *o, const char *conninfo, struct remote **out)
{
	return o->socket ? remote_socket(o->socket, out)
			 : remote_sql(conninfo, out);
}

int
options_owner(const struct options *o, int sign, struct owner **out)
{
	const char *file = o->passphrase_file;
	int r;

	if (!file)
		file = getenv("CLOISTER_PASSPHRASE_FILE");
	if ((r = owner_open(o->home, out)) != 0)
		return r;
	if (sign && (r = owner_unlock(*out, file)) != 0) {
		owner_close(*out);
		*out = NULL;
	}
	return r;
}

int
options_number(struct options *o, const char *what, const char *text,
    int64_t min, int64_t max, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(text, &end, 10);
	if (!errno && *text && !*end && *v >= min && *v <= max)
		return 1;
	(void)over(
	    o, command_usage(o->name,
		   "%s: expected a number from %lld to %lld, came \"%s\"", what,
		   (long long)min, (long long)max, text));
	return 0;
}

static int
digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

int
options_hex(struct options *o, const char *what, const char *text, uint8_t *out,
    size_t cap, size_t *n)
{
	size_t i, len = strlen(text);
	int hi, lo;

	for (i = 0; len % 2 == 0 && len <= 2 * cap && i < len / 2; i++) {
		hi = digit(text[2 * i]);
		lo = digit(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			break;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	*n = i;
	if (len && 2 * i == len)
		return 1;
	(void)over(
	    o, command_usage(o->name,
		   "%s: expected up to %zu hex digits, came \"%.20s\" (%zu "
		   "characters)",
		   what, 2 * cap, text, len));
	return 0;
}

int
options_time(struct options *o, const char *text, int64_t *t)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ",
	    "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z",
	    "%Y-%m-%d"};
	struct tm tm, day;
	const char *end;
	char *rest;
	size_t i;

	errno = 0;
	*t = strtoll(text, &rest, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*rest)
		return 1;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (!end || *end)
			continue;
		day = tm;
		*t = timegm(&day) - tm.tm_gmtoff;
		/* The 31st of June is none. */
		if (day.tm_mday == tm.tm_mday)
			return 1;
	}
	(void)over(o, command_usage(o->name,
			  "--time: expected unix seconds, 2026-07-01 or "
			  "2026-07-01T00:00Z, came \"%s\"",
			  text));
	return 0;
}

int
options_nonce(struct options *o, const char *text, uint8_t nonce[32])
{
	size_t i = 0;
	int hi, lo;

	if (strlen(text) == 64)
		for (; i < 32; i++) {
			hi = digit(text[2 * i]);
			lo = digit(text[2 * i + 1]);
			if (hi < 0 || lo < 0)
				break;
			nonce[i] = (uint8_t)(hi << 4 | lo);
		}
	if (i == 32)
		return 1;
	(void)over(
	    o, command_usage(o->name,
		   "--nonce: expected 64 hex digits (32 random bytes), came "
		   "%zu characters",
		   strlen(text)));
	return 0;
}
