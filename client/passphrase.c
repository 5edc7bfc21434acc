#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "client/passphrase.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"

#define PASSPHRASE_MAX 1024u

int
passphrase_file(const char *path, char **out)
{
	uint8_t *p = NULL;
	size_t n;
	int r;

	if ((r = file_read(AT_FDCWD, path, PASSPHRASE_MAX, &p, &n)) != 0)
		return why_set(
		    r, "cannot read passphrase file %s: %s", path, err_text(r));
	p[strcspn((char *)p, "\r\n")] = '\0';
	if (!*p) {
		secmem_free(p);
		return why_set(CL_ERR_ARGUMENT,
		    "passphrase file %s: expected the passphrase in its first "
		    "line, came an empty line",
		    path);
	}
	*out = (char *)p; /* transferred */
	return CL_OK;
}

static int
read_line(int fd, const char *prompt, char *line)
{
	size_t n = 0;
	ssize_t got;

	if (write(fd, prompt, strlen(prompt)) < 0)
		return CL_ERR_IO;
	while (n < PASSPHRASE_MAX) {
		got = read(fd, line + n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got != 1)
			return CL_ERR_IO;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return write(fd, "\n", 1) == 1 && n ? CL_OK : CL_ERR_IO;
}

static int
ask_quietly(int fd, const char *prompt, int confirm, char *line)
{
	char *again = NULL;
	int r;

	if ((r = read_line(fd, prompt, line)) != 0 || !confirm)
		return r;
	again = secmem_alloc(PASSPHRASE_MAX + 1);
	if (!again)
		return CL_ERR_MEMORY;
	if ((r = read_line(fd, "Once more: ", again)) == 0 &&
	    strcmp(line, again) != 0)
		r = CL_ERR_ARGUMENT;
	secmem_free(again);
	return r;
}

static int
ask_error(int r)
{
	if (r == CL_ERR_ARGUMENT)
		return why_set(r, "the two passphrases differ");
	return why_set(r, "no passphrase was read from the terminal");
}

int
passphrase_ask(const char *prompt, int confirm, char **out)
{
	struct termios was, quiet;
	char *line = secmem_alloc(PASSPHRASE_MAX + 1);
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int r;

	if (!line || fd < 0 || tcgetattr(fd, &was) != 0) {
		r = why_set(CL_ERR_NOT_FOUND,
		    "a passphrase is needed and there is no terminal to ask: "
		    "give --passphrase-file FILE");
		goto out;
	}
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0) {
		r = ask_error(CL_ERR_IO);
		goto out;
	}
	r = ask_quietly(fd, prompt, confirm, line);
	(void)tcsetattr(fd, TCSAFLUSH, &was);
	if (r) {
		r = ask_error(r);
		goto out;
	}
	*out = line;
	line = NULL; /* transferred */
out:
	if (fd >= 0)
		close(fd);
	secmem_free(line);
	return r;
}
