#include <string.h>

#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/message.h"

/* A public key whose private half was thrown away: making an RSA key would
 * take longer than all the rest. */
static const char rsa_pem[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEAl72KfO2/V68og2ZIdBp4\n"
    "PT3V89uI0Ug+WjcA5UvXwKsdxP0Oz2ULpQoD3n0RY98SRx8HUTi6vkitc9TsqhSR\n"
    "tskJ9+AzcP3lddApfl9GgKum/56s4w0lB/SF5u91mU4+wAqaSxZSbHTWlCelEigz\n"
    "ogFiW9qml5dMvpiHG3tYlEF8PcHYYyUQaFSIFJj4jCIRpxGCUPlMTMwR+vumtQPb\n"
    "K5lZ/QRjoAP64clrhSN2abpBiNTDd1aKu5e9O12jQCV6G119hCQ5MBlkKBmRXqEt\n"
    "OCzF2scLQ3aTMVQqTmxbTF2jQQAR8IyeHuA6R3HGmWQp1cVRF/Qek0fZvmXwDI5R\n"
    "7IpaNmagl5/sOw5pGSgmyFRzWWZxNrEq04rUS7Rij3th74Zr1OSVQ6xZ6ZTdNZjj\n"
    "eyLTd8thOIOKPs8h/74+/TlWzz7cNZCjnAiA5BcrWbkAMwnX3gJkFnzFo9mUipUx\n"
    "m5tWf8166FtOC+y/sjdJosjnefK0rlnkEc9sm5DdPKIPAgMBAAE=\n"
    "-----END PUBLIC KEY-----\n";

static const char payload[] = "{\"op\":\"warm-up\"}";

static int
warm_rsa(void)
{
	struct crypto_part part = {payload, sizeof(payload)};
	struct identity *id = NULL;
	uint8_t sig[384];
	int r;

	memset(sig, 1, sizeof(sig));
	r = identity_load_public(rsa_pem, sizeof(rsa_pem) - 1, &id);
	if (r == 0)
		r = identity_verify(id, "warm-up", &part, 1, sig, sizeof(sig));
	identity_free(id);
	return r == CL_ERR_SIGNATURE ? CL_OK : CL_ERR_CRYPTO;
}

/* A signed message of each kind, read back: PEM, pukid, signature. */
static int
warm_kind(enum identity_kind kind)
{
	struct identity *id = NULL;
	char pukid[IDENTITY_PUKID_LEN];
	struct message m = {0};
	uint8_t *p = NULL;
	size_t n;
	int r;

	if ((r = identity_generate(kind, &id)) == 0 &&
	    (r = message_sign(id, payload, strlen(payload), &p, &n)) == 0 &&
	    (r = message_open(p, n, NULL, &m)) == 0)
		r = identity_pukid(m.signer, pukid);
	message_clear(&m);
	secmem_free(p);
	identity_free(id);
	return r;
}

/* A sealed message and its reply. */
static int
warm_sealed(void)
{
	static const uint8_t hash[32];
	struct identity *id = NULL;
	struct hpke_exporter ex;
	struct message m = {0};
	uint8_t sk[32], pk[32], *p = NULL, *reply = NULL;
	char *text = NULL;
	size_t n, reply_n, text_n;
	int r;

	if ((r = identity_generate(IDENTITY_ED25519, &id)) == 0 &&
	    (r = hpke_keypair(sk, pk)) == 0 &&
	    (r = message_seal(
		 id, pk, hash, payload, strlen(payload), &p, &n, &ex)) == 0 &&
	    (r = message_open(p, n, sk, &m)) == 0 &&
	    (r = message_reply_seal(
		 &m.ex, payload, strlen(payload), &reply, &reply_n)) == 0)
		r = message_reply_open(&ex, reply, reply_n, &text, &text_n);
	message_clear(&m);
	secmem_wipe(sk, sizeof(sk));
	secmem_wipe(&ex, sizeof(ex));
	secmem_free(p);
	secmem_free(reply);
	secmem_free(text);
	identity_free(id);
	return r;
}

static int
warm_json(void)
{
	json_t *o;
	char *text;
	size_t n;
	int r;

	if ((r = json_warmup()) != 0)
		return r;
	if (!(o = json_parse(payload, strlen(payload), &r)))
		return r;
	text = json_text(o, &n);
	json_decref(o);
	secmem_free(text);
	return text ? CL_OK : CL_ERR_MEMORY;
}

int
message_warmup(void)
{
	int r;

	if ((r = crypto_warmup()) != 0 || (r = warm_json()) != 0 ||
	    (r = warm_kind(IDENTITY_ED25519)) != 0 ||
	    (r = warm_kind(IDENTITY_P256)) != 0 ||
	    (r = warm_kind(IDENTITY_SM2)) != 0 || (r = warm_rsa()) != 0)
		return r;
	return warm_sealed();
}
