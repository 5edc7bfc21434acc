#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/out.h"
#include "client/process.h"
#include "client/why.h"

#define NOT_STARTED 127

static void
child(char *const argv[], int in, int out)
{
	signal(SIGPIPE, SIG_DFL);
	if (in >= 0 && dup2(in, 0) < 0)
		_exit(NOT_STARTED);
	if (out >= 0 && dup2(out, 1) < 0)
		_exit(NOT_STARTED);
	execvp(argv[0], argv);
	_exit(NOT_STARTED);
}

int
process_start(char *const argv[], int in, int out, pid_t *pid)
{
	*pid = fork();
	if (*pid == 0)
		child(argv, in, out);
	if (*pid < 0)
		return why_set(
		    CL_ERR_IO, "cannot start %s: %s", argv[0], strerror(errno));
	return CL_OK;
}

int
process_wait(pid_t pid, const char *name)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return why_set(CL_ERR_IO, "cannot wait for %s: %s",
			    name, strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CL_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED)
		return why_set(CL_ERR_NOT_FOUND,
		    "cannot run %s; is the package postgresql-client "
		    "installed?",
		    name);
	if (WIFEXITED(status))
		return why_set(CL_ERR_IO, "%s ended with exit code %d", name,
		    WEXITSTATUS(status));
	return why_set(
	    CL_ERR_IO, "%s was ended by signal %d", name, WTERMSIG(status));
}

static int
add_piece(void *arg, const char *p, size_t n)
{
	return text_add(arg, p, n);
}

int
process_output(char *const argv[], struct text *out)
{
	int fds[2], r, ended;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return why_set(
		    CL_ERR_IO, "cannot make a pipe: %s", strerror(errno));
	r = process_start(argv, -1, fds[1], &pid);
	close(fds[1]);
	if (r == 0) {
		r = out_each(fds[0], add_piece, out);
		ended = process_wait(pid, argv[0]);
		r = r ? r : ended;
	}
	close(fds[0]);
	return r;
}
