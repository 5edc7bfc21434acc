/*
 * A web server of the tests' own, on a port of this machine: what it answers
 * is written down beforehand, answer by answer, and what it was asked is
 * counted. It can be slow, cut answers short, be silent, and speak TLS.
 * Include after cmocka.h.
 */
#ifndef CLOISTER_TESTS_FAKE_WEB_H
#define CLOISTER_TESTS_FAKE_WEB_H

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum web_manner {
	WEB_PLAIN,
	WEB_DRIP,    /* a byte now and then, without an end */
	WEB_CUT,     /* half of what Content-Length promises */
	WEB_ENDLESS, /* no Content-Length; repeats the body for ever */
	WEB_SILENT,  /* not a byte */
};

struct web_answer {
	int status;	     /* 0: 200 */
	const char *headers; /* lines with \r\n, or NULL */
	const void *body;
	size_t n;
	enum web_manner manner;
};

#define WEB_ROUTES  24
#define WEB_ANSWERS 6
#define WEB_REQUEST 8192u

/* One path with its query. The last answer is given again and again. */
struct web_route {
	char path[700];
	struct web_answer answer[WEB_ANSWERS];
	unsigned n;
	atomic_uint asked;
};

struct web {
	int fd;
	char base[64]; /* http://127.0.0.1:PORT */
	SSL_CTX *tls;  /* NULL: plain */
	pthread_t thread;
	atomic_bool over, idle;
	atomic_uint requests, unknown;
	unsigned nroutes;
	struct web_route route[WEB_ROUTES];
};

struct web_peer {
	int fd;
	SSL *ssl;
};

static inline bool
web_send(struct web_peer *p, const void *data, size_t n)
{
	const uint8_t *at = data;
	ssize_t k;

	while (n) {
		k = p->ssl ? SSL_write(p->ssl, at, (int)n)
			   : send(p->fd, at, n, MSG_NOSIGNAL);
		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

/* Up to the empty line; false: the client went away. */
static inline bool
web_read(struct web_peer *p, char *text)
{
	size_t n = 0;
	ssize_t k;

	text[0] = '\0';
	while (!strstr(text, "\r\n\r\n")) {
		if (n + 1 >= WEB_REQUEST)
			return false;
		k = p->ssl ? SSL_read(p->ssl, text + n, 1)
			   : recv(p->fd, text + n, 1, 0);
		if (k <= 0)
			return false;
		text[n += (size_t)k] = '\0';
	}
	return true;
}

/* Until the client has enough, or the test is over. */
static inline void
web_linger(struct web *w, struct web_peer *p, const struct web_answer *a)
{
	struct pollfd at = {p->fd, POLLIN, 0};

	while (!atomic_load(&w->over)) {
		if (a->manner == WEB_ENDLESS) {
			if (!web_send(p, a->body, a->n))
				return;
			continue;
		}
		if (a->manner == WEB_DRIP && !web_send(p, " ", 1))
			return;
		/* Readable: it hung up. */
		if (poll(&at, 1, 20) != 0)
			return;
	}
}

static inline void
web_reply(struct web *w, struct web_peer *p, const struct web_answer *a)
{
	size_t n = a->manner == WEB_DRIP ? 100000 : a->n;
	char head[512], length[64] = "";

	if (a->manner == WEB_SILENT) {
		web_linger(w, p, a);
		return;
	}
	if (a->manner != WEB_ENDLESS)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", n);
	snprintf(head, sizeof(head),
	    "HTTP/1.1 %d Word\r\nConnection: close\r\n%s",
	    a->status ? a->status : 200, length);
	if (!web_send(p, head, strlen(head)) ||
	    (a->headers && !web_send(p, a->headers, strlen(a->headers))) ||
	    !web_send(p, "\r\n", 2))
		return;
	if (a->manner == WEB_DRIP || a->manner == WEB_ENDLESS)
		web_linger(w, p, a);
	else
		(void)web_send(
		    p, a->body, a->manner == WEB_CUT ? a->n / 2 : a->n);
}

static inline struct web_route *
web_find(struct web *w, const char *path)
{
	unsigned i;

	for (i = 0; i < w->nroutes; i++)
		if (strcmp(w->route[i].path, path) == 0)
			return &w->route[i];
	return NULL;
}

static inline void
web_serve(struct web *w, struct web_peer *p)
{
	static const struct web_answer none = {
	    .status = 404, .body = "no", .n = 2};
	char text[WEB_REQUEST], path[700];
	struct web_route *r;
	unsigned i;

	if (!web_read(p, text))
		return;
	atomic_fetch_add(&w->requests, 1);
	if (sscanf(text, "GET %699s HTTP/1.1", path) != 1 ||
	    !(r = web_find(w, path))) {
		atomic_fetch_add(&w->unknown, 1);
		web_reply(w, p, &none);
		return;
	}
	i = atomic_fetch_add(&r->asked, 1);
	web_reply(w, p, &r->answer[i < r->n ? i : r->n - 1]);
}

static inline void *
web_run(void *arg)
{
	struct web *w = arg;
	struct web_peer p;

	while (!atomic_load(&w->over)) {
		atomic_store(&w->idle, true);
		p = (struct web_peer){.fd = accept(w->fd, NULL, NULL)};
		atomic_store(&w->idle, false);
		if (p.fd < 0)
			continue;
		if (!w->tls)
			web_serve(w, &p);
		else if ((p.ssl = SSL_new(w->tls)) != NULL) {
			SSL_set_fd(p.ssl, p.fd);
			if (SSL_accept(p.ssl) == 1) {
				web_serve(w, &p);
				SSL_shutdown(p.ssl);
			}
			SSL_free(p.ssl);
		}
		close(p.fd);
	}
	return NULL;
}

/* Routes come before web_start(), or while nobody asks. */
static inline struct web *
web_new(void)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	struct web *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	(void)signal(SIGPIPE, SIG_IGN);
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(w->fd >= 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(w->fd, 16), 0);
	assert_int_equal(getsockname(w->fd, (struct sockaddr *)&at, &n), 0);
	snprintf(w->base, sizeof(w->base), "http://127.0.0.1:%u",
	    (unsigned)ntohs(at.sin_port));
	return w;
}

static inline void
web_start(struct web *w)
{
	assert_int_equal(pthread_create(&w->thread, NULL, web_run, w), 0);
}

/* Until the server waits for the next client: a child that is forked while its
 * thread starts or is at work may inherit locks that nobody opens, such as
 * those of a sanitizer. */
static inline void
web_wait_idle(struct web *w)
{
	while (!atomic_load(&w->idle))
		usleep(1000);
}

static inline void
web_stop(struct web *w)
{
	atomic_store(&w->over, true);
	(void)shutdown(w->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	close(w->fd);
	SSL_CTX_free(w->tls);
	free(w);
}

/* Adds an answer to a path; bodies are lent. */
static inline struct web_route *
web_on(struct web *w, const char *path, struct web_answer a)
{
	struct web_route *r = web_find(w, path);

	if (!r) {
		assert_true(w->nroutes < WEB_ROUTES);
		r = &w->route[w->nroutes++];
		snprintf(r->path, sizeof(r->path), "%s", path);
	}
	assert_true(r->n < WEB_ANSWERS);
	r->answer[r->n++] = a;
	return r;
}

/* Forgets the answers of a path. */
static inline void
web_off(struct web *w, const char *path)
{
	struct web_route *r = web_find(w, path);

	if (r)
		r->n = 0, r->asked = 0;
}

#endif
