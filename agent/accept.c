#include "agent/accept.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/serve.h"
#include "agent/session.h"
#include "agent/tenant.h"
#include "lib/log.h"
#include "lib/secmem.h"

/* Four times of what the deepest operation was seen to use. */
#ifdef __SANITIZE_ADDRESS__
#define STACK_BYTES (256u << 10)
#else
#define STACK_BYTES (64u << 10)
#endif
#define REFUSALS_MAX	 20u /* lines a second */
#define HELLO_WAIT_MS	 100
#define EVICT_IDLE_MS	 100
#define PARTING		 16u /* refused connections that are still open */
#define SHORTAGE_WAIT_MS 100

struct job {
	int fd;
	uint32_t uid;
	int32_t pid;
	bool control_only;
};

struct worker {
	struct pool *pool;
	struct conn conn;
	pthread_t thread;
};

struct pool {
	struct engine *e;
	pthread_mutex_t lock;
	pthread_cond_t wanted;	  /* a job is there */
	pthread_cond_t started;	  /* a worker is warm, or a task is done */
	pthread_cond_t came_free; /* a worker; CLOCK_MONOTONIC, as the next */
	pthread_cond_t housework;
	pthread_t housekeeper;
	int (*warm_up)(void);
	unsigned warm;
	int error; /* of the first warm-up that failed */
	int (*task)(struct engine *e);
	bool task_done;
	int task_result;
	bool look;     /* the housekeeper must look again */
	unsigned free; /* workers that wait, less the jobs that are queued */
	unsigned njobs;
	struct job *jobs;
	struct worker *workers;
	/* The main thread's own. */
	time_t refused_at;
	unsigned refusals;
	int parting[PARTING];
	unsigned nparting;
};

static bool
next_job(struct pool *p, struct job *job)
{
	int (*task)(struct engine * e);

	pthread_mutex_lock(&p->lock);
	while (!p->njobs && !p->task)
		pthread_cond_wait(&p->wanted, &p->lock);
	task = p->task;
	p->task = NULL;
	if (!task)
		*job = p->jobs[--p->njobs];
	pthread_mutex_unlock(&p->lock);
	if (!task)
		return true;
	p->task_result = task(p->e);
	pthread_mutex_lock(&p->lock);
	p->task_done = true;
	pthread_cond_broadcast(&p->started);
	pthread_mutex_unlock(&p->lock);
	return false;
}

static void
serve_job(struct worker *w, const struct job *job)
{
	struct conn *c = &w->conn;

	c->fd = job->fd;
	c->uid = job->uid;
	c->pid = job->pid;
	c->control_only = job->control_only;
	conn_begin(c);
	serve_connection(c);
	conn_end(c);
	pthread_mutex_lock(&w->pool->lock);
	w->pool->free++;
	pthread_cond_signal(&w->pool->came_free);
	pthread_mutex_unlock(&w->pool->lock);
}

static void
report_warm(struct pool *p, int r)
{
	pthread_mutex_lock(&p->lock);
	p->warm++;
	if (r && !p->error)
		p->error = r;
	pthread_cond_signal(&p->started);
	pthread_mutex_unlock(&p->lock);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct job job;

	report_warm(w->pool, w->pool->warm_up());
	for (;;)
		if (next_job(w->pool, &job))
			serve_job(w, &job);
	return NULL;
}

/* Ends leases. Idle as long as none runs. */
static void *
housekeeper_main(void *arg)
{
	struct pool *p = arg;
	struct timespec until;
	unsigned wait;

	report_warm(p, p->warm_up());
	for (;;) {
		wait = tenants_end_leases(p->e);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += wait;
		pthread_mutex_lock(&p->lock);
		if (!p->look && wait)
			pthread_cond_timedwait(&p->housework, &p->lock, &until);
		else if (!p->look)
			pthread_cond_wait(&p->housework, &p->lock);
		p->look = false;
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

static int
start_thread(pthread_t *thread, void *(*f)(void *), void *arg)
{
	void *stack = secmem_stack(STACK_BYTES);
	pthread_attr_t attr;
	int r = CL_ERR_MEMORY;

	if (!stack || pthread_attr_init(&attr))
		return CL_ERR_MEMORY;
	if (!pthread_attr_setstack(&attr, stack, STACK_BYTES) &&
	    !pthread_create(thread, &attr, f, arg))
		r = CL_OK;
	pthread_attr_destroy(&attr);
	return r;
}

static int
start_threads(struct pool *p)
{
	unsigned i;
	int r;

	for (i = 0; i < p->e->cfg.workers; i++) {
		p->workers[i].pool = p;
		if ((r = conn_init(&p->workers[i].conn, p->e, i)) != 0 ||
		    (r = start_thread(&p->workers[i].thread, worker_main,
			 &p->workers[i])) != 0)
			return r;
	}
	return start_thread(&p->housekeeper, housekeeper_main, p);
}

static int
init_locks(struct pool *p)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
	    pthread_cond_init(&p->came_free, &attr) ||
	    pthread_cond_init(&p->housework, &attr))
		return CL_ERR_INTERNAL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	pthread_cond_init(&p->started, NULL);
	return CL_OK;
}

int
pool_start(struct engine *e, int (*warm_up)(void), struct pool **out)
{
	struct pool *p = secmem_alloc(sizeof(*p));
	sigset_t all, old;
	int r;

	if (!p)
		return CL_ERR_MEMORY;
	p->e = e;
	p->warm_up = warm_up;
	p->free = e->cfg.workers;
	memset(p->parting, -1, sizeof(p->parting));
	p->jobs = secmem_alloc(e->cfg.workers * sizeof(*p->jobs));
	p->workers = secmem_alloc(e->cfg.workers * sizeof(*p->workers));
	if (!p->jobs || !p->workers)
		return CL_ERR_MEMORY;
	if ((r = init_locks(p)) != 0)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = start_threads(p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return r;
	pthread_mutex_lock(&p->lock);
	while (p->warm < e->cfg.workers + 1)
		pthread_cond_wait(&p->started, &p->lock);
	r = p->error;
	pthread_mutex_unlock(&p->lock);
	*out = p;
	return r;
}

int
pool_run(struct pool *p, int (*f)(struct engine *e))
{
	int r;

	pthread_mutex_lock(&p->lock);
	p->task = f;
	p->task_done = false;
	pthread_cond_signal(&p->wanted);
	while (!p->task_done)
		pthread_cond_wait(&p->started, &p->lock);
	r = p->task_result;
	pthread_mutex_unlock(&p->lock);
	return r;
}

/* One line for each refusal, but a flood of them does not fill the log. */
static void
log_refusal(struct pool *p, const char *why, const struct ucred *who)
{
	time_t now = time(NULL);

	if (now != p->refused_at) {
		if (p->refusals > REFUSALS_MAX)
			log_warning("%u more connections were refused",
			    p->refusals - REFUSALS_MAX);
		p->refused_at = now;
		p->refusals = 0;
	}
	if (++p->refusals <= REFUSALS_MAX)
		log_warning("connection of uid %u pid %d refused: %s", who->uid,
		    who->pid, why);
}

/* Sends code as the answer to the client's first frame, as far as that is
 * known. */
static void
send_refusal(int fd, struct frame *f, int code, const char *detail)
{
	uint8_t reply[FRAME_HEADER + 4 + CONN_DETAIL];
	struct wr out =
	    wr_make(reply + FRAME_HEADER, sizeof(reply) - FRAME_HEADER);

	if (wr_blob(&out, detail, strlen(detail)))
		return;
	f->flags = FRAME_REPLY;
	f->status = (uint16_t)err_to_wire(code);
	f->body_len = (uint32_t)out.len;
	frame_put(reply, f);
	if (send(fd, reply, FRAME_HEADER + out.len,
		MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("a refused client is gone already");
}

/*
 * Answers and says that nothing follows. The descriptor stays for a while: a
 * client that was about to send must be able to, so that it reads the reason
 * instead of a broken pipe. Strangers are not waited for.
 */
static void
refuse(struct pool *p, int fd, int wait_ms, int code, const char *detail)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	struct frame f = {.op = OP_HELLO};
	uint8_t head[FRAME_HEADER];
	int err = CL_OK, *seat = &p->parting[p->nparting++ % PARTING];

	if (poll(&wait, 1, wait_ms) == 1 &&
	    recv(fd, head, sizeof(head), MSG_DONTWAIT) == sizeof(head) &&
	    frame_next(head, sizeof(head), FRAME_MAX_BODY, &f, &err) ==
		FRAME_BAD)
		f = (struct frame){.op = OP_HELLO};
	send_refusal(fd, &f, code, detail);
	shutdown(fd, SHUT_WR);
	if (*seat >= 0)
		close(*seat);
	*seat = fd;
}

static bool
is_allowed(const struct setup *cfg, uint32_t uid)
{
	uint32_t i;

	for (i = 0; i < cfg->nuids; i++)
		if (cfg->uids[i] == uid)
			return true;
	return false;
}

/* The one that idles longest without a session, for EVICT_IDLE_MS at least. */
static struct conn *
longest_idle(struct pool *p, int64_t *since)
{
	struct conn *found = NULL;
	int64_t at;
	unsigned i;

	*since = conn_clock() - EVICT_IDLE_MS;
	for (i = 0; i < p->e->cfg.workers; i++) {
		at = atomic_load(&p->workers[i].conn.idle_since);
		if (at > 0 && at < *since) {
			found = &p->workers[i].conn;
			*since = at;
		}
	}
	return found;
}

/*
 * When only the owner's worker is left, a connection that nobody uses gives
 * its place up: pools keep many of them, and the extension connects again by
 * itself. Waits a moment for the worker.
 */
static void
make_room(struct pool *p)
{
	struct timespec until;
	struct conn *idle;
	int64_t since;
	int r = 0;

	pthread_mutex_lock(&p->lock);
	if (p->free > 1)
		goto out;
	idle = longest_idle(p, &since);
	if (!idle || !conn_evict(idle, since))
		goto out;
	log_debug("an idle connection gave up its place");
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	while (p->free < 2 && r == 0)
		r = pthread_cond_timedwait(&p->came_free, &p->lock, &until);
out:
	pthread_mutex_unlock(&p->lock);
}

/* False: nobody is free. */
static bool
hand_over(struct pool *p, struct job *job)
{
	bool placed = false;

	make_room(p);
	pthread_mutex_lock(&p->lock);
	if (p->free) {
		job->control_only = p->free == 1;
		p->jobs[p->njobs++] = *job;
		p->free--;
		pthread_cond_signal(&p->wanted);
		placed = true;
	}
	pthread_mutex_unlock(&p->lock);
	return placed;
}

/* After accept() failed with code. Where resources are short, it waits a
 * little instead of asking again at once. */
static bool
may_go_on(int code)
{
	switch (code) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
		return true;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		poll(NULL, 0, SHORTAGE_WAIT_MS);
		return true;
	default:
		return false;
	}
}

bool
pool_accept(struct pool *p)
{
	struct ucred who = {0};
	socklen_t n = sizeof(who);
	struct job job = {0};

	job.fd = accept4(p->e->database_fd, NULL, NULL, SOCK_CLOEXEC);
	if (job.fd < 0)
		return may_go_on(errno);
	if (getsockopt(job.fd, SOL_SOCKET, SO_PEERCRED, &who, &n)) {
		close(job.fd);
		return true;
	}
	job.uid = who.uid;
	job.pid = who.pid;
	if (!is_allowed(&p->e->cfg, who.uid)) {
		log_refusal(p, "uid is not in allow_uids", &who);
		refuse(p, job.fd, 0, CL_ERR_PEER, "[access] allow_uids");
	} else if (!hand_over(p, &job)) {
		log_refusal(p, "every worker is busy", &who);
		refuse(
		    p, job.fd, HELLO_WAIT_MS, CL_ERR_BUSY, "[limits] workers");
	}
	return true;
}

void
pool_drop_tenant(struct pool *p, struct tenant *t)
{
	struct conn *c;
	unsigned i;

	for (i = 0; p && i < p->e->cfg.workers; i++) {
		c = &p->workers[i].conn;
		pthread_mutex_lock(&c->work);
		if (c->session && session_tenant(c->session) == t)
			conn_drop_keys(c);
		pthread_mutex_unlock(&c->work);
	}
}

unsigned
pool_busy(struct pool *p)
{
	unsigned n;

	pthread_mutex_lock(&p->lock);
	n = p->e->cfg.workers - p->free;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void
pool_wake_housekeeper(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->look = true;
	pthread_cond_signal(&p->housework);
	pthread_mutex_unlock(&p->lock);
}
