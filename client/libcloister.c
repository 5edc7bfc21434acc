#include <stdlib.h>
#include <string.h>

#include "client/appraisal.h"
#include "client/cells.h"
#include "client/encrypt.h"
#include "client/libcloister.h"
#include "client/pins.h"
#include "client/request.h"
#include "client/why.h"
#include "lib/secmem.h"

struct cloister {
	struct owner *owner;
	struct groups groups;
	struct cells cells;
	struct text lent;
	struct hpke_exporter ex; /* of the provisioning under way */
	json_t *pins;		 /* and as they were when it began */
	int provisioning;
};

int
cloister_open(const char *home, struct cloister **out)
{
	struct cloister *c = secmem_alloc(sizeof(*c));
	int r;

	*out = NULL;
	if (!c)
		return why_memory();
	if ((r = owner_open(home, &c->owner)) != 0 ||
	    (r = groups_load(c->owner, NULL, &c->groups)) != 0) {
		cloister_close(c);
		return r;
	}
	*out = c;
	return CL_OK;
}

int
cloister_unlock(struct cloister *c, const char *passphrase_file)
{
	return owner_unlock(c->owner, passphrase_file);
}

void
cloister_close(struct cloister *c)
{
	if (!c)
		return;
	groups_clear(&c->groups);
	cells_clear(&c->cells);
	text_clear(&c->lent);
	owner_close(c->owner);
	json_decref(c->pins);
	secmem_free(c);
}

const char *
cloister_why(void)
{
	return why_text();
}

static int
lend(struct cloister *c, int r, const char **p, size_t *n)
{
	*p = r ? NULL : c->lent.p;
	if (n)
		*n = r ? 0 : c->lent.n;
	return r;
}

int
cloister_encrypt(struct cloister *c, const char *group, const char *type,
    const char *value, size_t n, const char **cell, size_t *cell_n)
{
	struct group *g = groups_by_name(&c->groups, group);
	uint8_t t;
	int r;

	text_reset(&c->lent);
	if (!g)
		r = why_set(
		    CL_ERR_NOT_FOUND, "there is no group \"%.80s\"", group);
	else if ((r = encrypt_type(type, &t)) == 0)
		r = cells_encrypt(&c->cells, g, t, value, n, &c->lent);
	return lend(c, r, cell, cell_n);
}

int
cloister_decrypt(struct cloister *c, const char *cell, size_t n,
    const char **value, size_t *value_n)
{
	int r;

	text_reset(&c->lent);
	r = cells_decrypt(&c->cells, &c->groups, cell, n, &c->lent);
	return lend(c, r, value, value_n);
}

static int
locked(const struct cloister *c)
{
	if (c->owner->private)
		return CL_OK;
	return why_set(CL_ERR_STATE,
	    "the signing key is closed: expected cloister_unlock before");
}

int
cloister_session(
    struct cloister *c, const uint8_t boot[16], const char **message)
{
	char *b64 = NULL;
	int r;

	text_reset(&c->lent);
	if ((r = locked(c)) == 0 &&
	    (r = request_open(c->owner, boot, &b64)) == 0)
		r = text_str(&c->lent, b64);
	secmem_free(b64);
	return lend(c, r, message, NULL);
}

static int
accept_agent(struct cloister *c, const char *envelope, size_t n,
    const uint8_t nonce[32], struct appraisal *a)
{
	int r;

	if ((r = locked(c)) != 0 || (r = appraisal_run(&c->owner->home, NULL,
					 envelope, n, nonce, a)) != 0)
		return r;
	if ((r = pins_learn(&c->owner->home, &a->claims)) != 0)
		return r;
	json_decref(c->pins);
	return pins_load(&c->owner->home, &c->pins);
}

int
cloister_provision(struct cloister *c, const char *envelope, size_t n,
    const uint8_t nonce[32], const struct cloister_lease *lease,
    const uint8_t **message, size_t *message_n)
{
	struct request_provision p = {
	    .seal = lease->seal, .lease = lease->seconds};
	struct appraisal a;
	uint8_t *sealed = NULL;
	const char *lent;
	size_t len;
	int r;

	text_reset(&c->lent);
	c->provisioning = 0;
	if ((r = accept_agent(c, envelope, n, nonce, &a)) != 0)
		goto out;
	p.claims = &a.claims;
	p.claims_hash = a.claims_hash;
	if ((r = request_provision(c->owner, &p, &sealed, &len, &c->ex)) == 0)
		r = text_add(&c->lent, sealed, len);
	c->provisioning = r == 0;
out:
	secmem_free(sealed);
	r = lend(c, r, &lent, message_n);
	*message = (const uint8_t *)lent;
	return r;
}

int
cloister_provisioned(struct cloister *c, const uint8_t *reply, size_t n)
{
	json_t *answer = NULL;
	int r;

	if (!c->provisioning)
		return why_set(CL_ERR_STATE,
		    "no provisioning is under way: expected "
		    "cloister_provision before");
	if ((r = request_reply(&c->ex, reply, n, &answer)) == 0)
		r = pins_check(&c->owner->home, c->pins, answer);
	c->provisioning = 0;
	secmem_wipe(&c->ex, sizeof(c->ex));
	json_decref(answer);
	return r;
}
