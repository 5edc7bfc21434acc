/* Engine and broker as systemd starts them: two processes that come and go
 * without each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/agent.h"

static int
listen_on(const char *path, int type)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void
silence(void)
{
	int quiet = open("/dev/null", O_WRONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (!getenv("AGENT_LOG"))
		dup2(quiet, STDERR_FILENO);
}

/* What systemd does for a service with two sockets. */
static pid_t
start_engine(int database, int broker)
{
	char *const argv[] = {(char *)"cloisterd", (char *)"--engine", NULL};
	char pid_text[32];
	char *const envp[] = {pid_text, (char *)"LISTEN_FDS=2",
	    (char *)"LISTEN_FDNAMES=broker:database", NULL};
	int high[2];
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	silence();
	high[0] = fcntl(broker, F_DUPFD, 20);
	high[1] = fcntl(database, F_DUPFD, 20);
	if (dup2(high[0], 3) < 0 || dup2(high[1], 4) < 0)
		_exit(1);
	snprintf(pid_text, sizeof(pid_text), "LISTEN_PID=%d", getpid());
	execve("/proc/self/exe", argv, envp);
	_exit(1);
}

static pid_t
start_broker(const struct agent *a)
{
	char error[CONFIG_ERROR];
	struct config c;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	silence();
	if (config_load(a->config, &c, error))
		_exit(2);
	_exit(broker_main(&c, false));
}

static void
end(pid_t pid, int sig)
{
	assert_int_equal(kill(pid, sig), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Until evidence can be had: the broker is there. */
static void
wait_for_broker(struct agent *a)
{
	uint8_t nonce[32];
	int i, r = CL_ERR_IO;

	for (i = 0; i < 1200 && r != CL_OK; i++) {
		assert_int_equal(crypto_random(nonce, sizeof(nonce)), CL_OK);
		r = agent_call(a, OP_EVIDENCE, nonce, sizeof(nonce));
		usleep(50000);
	}
	assert_int_equal(r, CL_OK);
}

static void
they_come_and_go(void **state)
{
	struct agent *a = agent_make("");
	int database, broker_at, result = -1, status = 0;
	char path[128], more[256];
	struct agent_group g;
	pid_t engine, broker;
	uint8_t boot[16];
	uint32_t id = 0;

	(void)state;
	agent_stop(a); /* its folder and its owner are what is wanted */
	snprintf(path, sizeof(path), "%s/broker.sock", a->dir->path);
	snprintf(more, sizeof(more),
	    "[agent]\nengine_socket = %s\n" AGENT_LIMITS, path);
	agent_configure(a, more);
	database = listen_on(a->socket, SOCK_STREAM);
	broker_at = listen_on(path, SOCK_SEQPACKET);
	engine = start_engine(database, broker_at);
	broker = start_broker(a);
	agent_ready(a, &g);
	assert_int_equal(agent_provision(a, true, 0), CL_OK);
	assert_int_equal(agent_prepare(a, g.tag, EV_LT, &id), CL_OK);
	memcpy(boot, a->boot, 16);

	/* Without the broker queries go on; what needs it is refused. */
	end(broker, SIGKILL);
	assert_int_equal(agent_eval(a, id, &g, 1, 2, &result), CL_OK);
	assert_int_equal(result, 1);
	assert_int_equal(
	    agent_call(a, OP_EVIDENCE, boot, 16), CL_ERR_TRUNCATED);
	broker = start_broker(a);
	wait_for_broker(a);
	assert_int_equal(agent_eval(a, id, &g, 1, 2, &result), CL_OK);
	assert_int_equal(agent_provision(a, true, 0), CL_OK);

	/* The engine dies: the broker finds the next one, keys come back. */
	end(engine, SIGKILL);
	engine = start_engine(database, broker_at);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_memory_not_equal(a->boot, boot, 16);
	assert_int_equal(agent_open(a), CL_OK);

	/* Another configuration: the engine leaves, to be started with it. */
	end(broker, SIGTERM);
	snprintf(more, sizeof(more),
	    "[agent]\nengine_socket = %s\n" AGENT_LIMITS "io_timeout = 5\n",
	    path);
	agent_configure(a, more);
	broker = start_broker(a);
	assert_int_equal(waitpid(engine, &status, 0), engine);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 0);
	engine = start_engine(database, broker_at);
	assert_int_equal(agent_hello(a), CL_OK);
	assert_int_equal(agent_open(a), CL_OK);
	end(broker, SIGTERM);
	end(engine, SIGTERM);
	close(database);
	close(broker_at);
	groupkey_free(g.key);
	agent_free(a);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(they_come_and_go),
};

AGENT_MAIN(tests)
