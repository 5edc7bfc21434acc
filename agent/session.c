#include "agent/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "agent/audit.h"
#include "agent/tenant.h"
#include "lib/crypto.h"
#include "lib/secmem.h"

struct session {
	struct session *next;
	unsigned parts;	 /* connections that take part; under the lock */
	atomic_int over; /* 0, or why it ended */
	struct tenant *tenant;
	char subject[IDENTITY_PUKID_LEN];
	uint8_t token[SESSION_TOKEN];
};

struct sessions {
	pthread_mutex_t lock;
	struct session *first;
};

int
sessions_new(struct sessions **out)
{
	struct sessions *all = secmem_alloc(sizeof(*all));

	if (!all)
		return CL_ERR_MEMORY;
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return CL_OK;
}

int
session_open(struct engine *e, struct tenant *t, const char *subject,
    struct session **out)
{
	struct session *s = secmem_alloc(sizeof(*s));
	int r;

	if (!s)
		return CL_ERR_MEMORY;
	if ((r = crypto_random(s->token, sizeof(s->token))) != 0) {
		secmem_free(s);
		return r;
	}
	if (!(s->tenant = tenant_get(e->tenants, tenant_uuid(t)))) {
		secmem_free(s);
		return CL_ERR_NO_TENANT;
	}
	strncpy(s->subject, subject, sizeof(s->subject) - 1);
	s->parts = 1;
	pthread_mutex_lock(&e->sessions->lock);
	s->next = e->sessions->first;
	e->sessions->first = s;
	pthread_mutex_unlock(&e->sessions->lock);
	audit_event(e->audit, "session_open", tenant_uuid(t), subject, "");
	*out = s;
	return CL_OK;
}

int
session_join(
    struct engine *e, const uint8_t token[SESSION_TOKEN], struct session **out)
{
	struct session *s, *found = NULL;

	pthread_mutex_lock(&e->sessions->lock);
	for (s = e->sessions->first; s; s = s->next)
		if (secmem_equal(s->token, token, SESSION_TOKEN) &&
		    !atomic_load(&s->over))
			found = s;
	if (found)
		found->parts++;
	pthread_mutex_unlock(&e->sessions->lock);
	*out = found;
	return found ? CL_OK : CL_ERR_NO_SESSION;
}

/* The lock is held. */
static void
unlist(struct sessions *all, const struct session *s)
{
	struct session **p = &all->first;

	while (*p && *p != s)
		p = &(*p)->next;
	if (*p)
		*p = s->next;
}

void
session_leave(struct engine *e, struct session *s, bool close)
{
	int open = 0;
	bool last;

	if (close &&
	    atomic_compare_exchange_strong(&s->over, &open, CL_ERR_NO_SESSION))
		audit_event(e->audit, "session_close", tenant_uuid(s->tenant),
		    s->subject, "");
	pthread_mutex_lock(&e->sessions->lock);
	last = --s->parts == 0;
	if (last)
		unlist(e->sessions, s);
	pthread_mutex_unlock(&e->sessions->lock);
	if (!last)
		return;
	tenant_put(s->tenant);
	secmem_free(s);
}

void
sessions_end_tenant(struct sessions *all, struct tenant *t, int why)
{
	struct session *s;
	int open;

	pthread_mutex_lock(&all->lock);
	for (s = all->first; s; s = s->next) {
		open = 0;
		if (s->tenant == t)
			atomic_compare_exchange_strong(&s->over, &open, why);
	}
	pthread_mutex_unlock(&all->lock);
}

int
session_check(const struct session *s, const char **why)
{
	switch (atomic_load_explicit(&s->over, memory_order_acquire)) {
	case CL_OK:
		break;
	case CL_ERR_NO_SESSION:
		*why = "the connection that opened the session has closed it";
		return CL_ERR_NO_SESSION;
	case CL_ERR_EXPIRED:
		*why = "the lease of the tenant key has ended";
		return CL_ERR_NO_TENANT;
	default:
		*why = "the owner has withdrawn the tenant key";
		return CL_ERR_NO_TENANT;
	}
	*why = "the lease of the tenant key has ended";
	return tenant_check(s->tenant);
}

struct tenant *
session_tenant(const struct session *s)
{
	return s->tenant;
}

const char *
session_subject(const struct session *s)
{
	return s->subject;
}

const uint8_t *
session_token(const struct session *s)
{
	return s->token;
}
