#include <string.h>
#include <time.h>

#include "client/exchange.h"
#include "client/pins.h"
#include "client/request.h"
#include "client/why.h"
#include "lib/crypto.h"
#include "lib/secmem.h"
#include "policy/tpm_credential.h"

/* An SVSM speaks for its TPM's EK, and only that TPM for the key that signs:
 * evidence is asked for again, over a nonce that it has to open. Whether it is
 * good evidence is found out later. */
static int
prove(struct remote *agent, struct appraisal_ask *ask,
    struct tpm_challenge *challenge, struct text *envelope)
{
	struct tpm_credential credential;
	struct evidence e;
	int r;

	if (evidence_parse(envelope->p, envelope->n, &e) != 0)
		return CL_OK;
	r = strcmp(e.tee, "tpm") == 0 ? tpm_credential_challenge(e.raw, e.raw_n,
					    ask->nonce, &credential, challenge)
				      : CL_ERR_NOT_FOUND;
	evidence_clear(&e);
	if (r != 0)
		return CL_OK;
	text_clear(envelope);
	r = remote_prove(
	    agent, ask->nonce, credential.p, credential.n, envelope);
	ask->nonce = challenge->nonce;
	ask->challenge = challenge;
	return r;
}

int
exchange_evidence(const struct home *home, struct remote *agent,
    struct endorsements *from, struct appraisal *out)
{
	struct endorse *given = NULL;
	struct text envelope = {0};
	uint8_t nonce[EVIDENCE_NONCE];
	struct appraisal_ask ask = {.home = home, .nonce = nonce};
	struct tpm_challenge challenge;
	int r;

	memset(out, 0, sizeof(*out));
	if ((r = crypto_random(nonce, sizeof(nonce))) != 0)
		return why_set(r, "cannot draw a nonce: %s", err_text(r));
	if ((r = endorsements_settle(from, home)) != 0 ||
	    (r = endorsements_open(from, &given)) != 0 ||
	    (r = remote_evidence(agent, nonce, NULL, &envelope)) != 0 ||
	    (r = prove(agent, &ask, &challenge, &envelope)) != 0)
		goto out;
	ask.given = given;
	ask.cache = endorsements_cache(from, home);
	ask.fetch = endorsements_fetch(from);
	ask.time = (int64_t)time(NULL);
	r = appraisal_ask(&ask, envelope.p, envelope.n, out, NULL);
out:
	text_clear(&envelope);
	endorse_free(given);
	return r;
}

static int
send_keys(const struct owner *o, struct remote *agent,
    const struct request_provision *p, json_t **answer)
{
	struct hpke_exporter ex;
	struct text reply = {0};
	uint8_t *message = NULL;
	size_t n;
	int r;

	if ((r = request_provision(o, p, &message, &n, &ex)) == 0 &&
	    (r = remote_message(agent, message, n, &reply)) == 0)
		r = request_reply(&ex, (uint8_t *)reply.p, reply.n, answer);
	secmem_wipe(&ex, sizeof(ex));
	secmem_free(message);
	text_clear(&reply);
	return r;
}

int
exchange_provision(const struct owner *o, struct remote *agent,
    const struct appraisal *accepted, const struct exchange_lease *lease)
{
	struct request_provision p = {
	    .claims = &accepted->claims,
	    .claims_hash = accepted->claims_hash,
	    .seal = lease->seal,
	    .lease = lease->seconds,
	};
	json_t *before = NULL, *answer = NULL;
	int r;

	if ((r = pins_learn(&o->home, &accepted->claims)) == 0 &&
	    (r = pins_load(&o->home, &before)) == 0 &&
	    (r = send_keys(o, agent, &p, &answer)) == 0)
		r = pins_check(&o->home, before, answer);
	json_decref(before);
	json_decref(answer);
	return r;
}

int
exchange_ask(const struct owner *o, struct remote *agent, const char *op,
    json_t **answer)
{
	struct text reply = {0};
	uint8_t boot[16], *message = NULL;
	json_t *before = NULL;
	size_t n;
	int r;

	*answer = NULL;
	if ((r = pins_load(&o->home, &before)) == 0 &&
	    (r = remote_boot(agent, boot)) == 0 &&
	    (r = request_signed(o, op, boot, &message, &n)) == 0 &&
	    (r = remote_message(agent, message, n, &reply)) == 0 &&
	    (r = request_reply(NULL, (uint8_t *)reply.p, reply.n, answer)) == 0)
		r = pins_check(&o->home, before, *answer);
	json_decref(before);
	secmem_free(message);
	text_clear(&reply);
	return r;
}
