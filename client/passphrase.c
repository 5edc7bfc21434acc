#include <fcntl.h>
#include <openssl/ui.h>
#include <string.h>
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

/* OpenSSL's own prompt reads standard input where there is no terminal; ours
 * must not, since that may be data. */
static int
have_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return 0;
	close(fd);
	return 1;
}

static int
ask_error(const char *line)
{
	if (*line)
		return why_set(
		    CL_ERR_ARGUMENT, "no passphrase was taken: the two differ");
	return why_set(CL_ERR_ARGUMENT, "expected a passphrase, came none");
}

int
passphrase_ask(const char *prompt, int confirm, char **out)
{
	char *line = NULL, *again = NULL;
	int r = CL_OK;

	if (!have_terminal())
		return why_set(CL_ERR_NOT_FOUND,
		    "a passphrase is needed and there is no terminal to ask: "
		    "give --passphrase-file FILE");
	line = secmem_alloc(PASSPHRASE_MAX + 1);
	again = secmem_alloc(PASSPHRASE_MAX + 1);
	if (!line || !again)
		r = why_memory();
	else if (UI_UTIL_read_pw(
		     line, again, PASSPHRASE_MAX, prompt, confirm) != 0 ||
		 !*line)
		r = ask_error(line);
	secmem_free(again);
	if (r) {
		secmem_free(line);
		return r;
	}
	*out = line; /* transferred */
	return CL_OK;
}
