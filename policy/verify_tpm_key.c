#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/crypto.h"
#include "lib/json.h"
#include "lib/secmem.h"
#include "policy/p256.h"
#include "policy/verify_tpm.h"

/*
 * TPMT_PUBLIC
 *	u16 type: 1 RSA, 0x23 ECC; u16 hash of the name; u32 attributes
 *	u16 size, authorization policy
 *	u16 symmetric algorithm: 0x10, none; of a storage key, as an EK is
 *	one, 6, AES {u16 bits: 128; u16 mode: 0x43, CFB}
 *	u16 scheme {u16 hash} unless it is none
 * RSA	u16 bits; u32 exponent, 0 for 65537; u16 size, modulus
 * ECC	u16 curve: 3, P-256; u16 KDF: 0x10, none; u16 size, x, u16 size, y
 */
#define TYPE_RSA   0x0001u
#define TYPE_ECC   0x0023u
#define ALG_AES	   0x0006u
#define ALG_NULL   0x0010u
#define MODE_CFB   0x0043u
#define CURVE_P256 0x0003u
#define POLICY_MAX 64u

#define RSA_BYTES_MIN 256u
#define RSA_BYTES_MAX 512u
#define RSA_E_MAX     8u

static bool
is_rsa(const EVP_PKEY *key)
{
	return EVP_PKEY_is_a(key, "RSA");
}

static int
check_kind(const EVP_PKEY *key)
{
	char curve[32];

	if (is_rsa(key))
		return EVP_PKEY_get_bits(key) >= (int)RSA_BYTES_MIN * 8 &&
			       EVP_PKEY_get_bits(key) <= (int)RSA_BYTES_MAX * 8
			   ? CL_OK
			   : CL_ERR_UNSUPPORTED;
	return EVP_PKEY_is_a(key, "EC") &&
		       EVP_PKEY_get_group_name(
			   key, curve, sizeof(curve), NULL) == 1 &&
		       strcmp(curve, "prime256v1") == 0
		   ? CL_OK
		   : CL_ERR_UNSUPPORTED;
}

/* Takes the key, also when it fails. */
static int
set_key(struct tpm_ak *ak, EVP_PKEY *key)
{
	uint8_t *der = NULL;
	struct crypto_part part;
	int n, r;

	ak->key = key;
	if ((r = check_kind(key)) != 0)
		goto out;
	r = CL_ERR_MEMORY;
	if ((n = i2d_PUBKEY(key, &der)) <= 0)
		goto out;
	part = (struct crypto_part){der, (size_t)n};
	r = crypto_sha256(&part, 1, ak->spki);
out:
	OPENSSL_free(der);
	if (r != 0)
		tpm_ak_clear(ak);
	ERR_clear_error();
	return r;
}

int
tpm_ak_spki(const uint8_t *p, size_t n, struct tpm_ak *ak)
{
	const uint8_t *at = p;
	uint8_t *again = NULL;
	EVP_PKEY *key;
	int len;

	memset(ak, 0, sizeof(*ak));
	if (n > TPM_KEY_MAX)
		return CL_ERR_TOO_LARGE;
	key = d2i_PUBKEY(NULL, &at, (long)n);
	/* One encoding only: its digest is what a policy pins. */
	len = key ? i2d_PUBKEY(key, &again) : -1;
	if (len < 0 || (size_t)len != n || !secmem_equal(again, p, n)) {
		EVP_PKEY_free(key);
		OPENSSL_free(again);
		ERR_clear_error();
		return CL_ERR_FORMAT;
	}
	OPENSSL_free(again);
	return set_key(ak, key);
}

static int
make_rsa(const uint8_t *mod, size_t mod_n, const uint8_t *e, size_t e_n,
    EVP_PKEY **out)
{
	BIGNUM *n = BN_bin2bn(mod, (int)mod_n, NULL);
	BIGNUM *x = BN_bin2bn(e, (int)e_n, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	int r = CL_ERR_MEMORY;

	if (!n || !x || !build || !ctx ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, x) != 1 ||
	    !(params = OSSL_PARAM_BLD_to_param(build)))
		goto out;
	r = CL_ERR_FORMAT;
	if (BN_is_odd(n) && BN_is_odd(x) && !BN_is_one(x) &&
	    EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, out, EVP_PKEY_PUBLIC_KEY, params) == 1)
		r = CL_OK;
out:
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_BLD_free(build);
	BN_free(x);
	BN_free(n);
	ERR_clear_error();
	return r;
}

int
tpm_ak_jwk(const json_t *jwk, struct tpm_ak *ak)
{
	uint8_t n[RSA_BYTES_MAX], e[RSA_E_MAX];
	EVP_PKEY *key = NULL;
	const char *kty;
	size_t n_n, e_n;
	int r;

	memset(ak, 0, sizeof(*ak));
	if ((r = json_get_str(jwk, "kty", &kty)) != 0)
		return r;
	if (strcmp(kty, "RSA") != 0)
		return CL_ERR_UNSUPPORTED;
	if ((r = json_get_blob(jwk, "n", n, sizeof(n), &n_n)) != 0 ||
	    (r = json_get_blob(jwk, "e", e, sizeof(e), &e_n)) != 0 ||
	    (r = make_rsa(n, n_n, e, e_n, &key)) != 0)
		return r;
	return set_key(ak, key);
}

static int
get_2b(struct rd *in, const uint8_t **p, uint16_t *n, size_t max)
{
	int r;

	if ((r = rd_be16(in, n)) != 0)
		return r;
	return *n > max ? CL_ERR_TOO_LARGE : rd_view(in, p, *n);
}

static int
public_rsa(struct rd *in, EVP_PKEY **key)
{
	uint8_t e[4];
	const uint8_t *mod;
	uint32_t exponent;
	uint16_t bits, n, i;
	int r;

	if ((r = rd_be16(in, &bits)) != 0 ||
	    (r = rd_be32(in, &exponent)) != 0 ||
	    (r = get_2b(in, &mod, &n, RSA_BYTES_MAX)) != 0)
		return r;
	if (n * 8u != bits)
		return CL_ERR_FORMAT;
	exponent = exponent ? exponent : 65537;
	for (i = 0; i < 4; i++)
		e[i] = (uint8_t)(exponent >> (24 - 8 * i));
	return make_rsa(mod, n, e, sizeof(e), key);
}

static int
public_ecc(struct rd *in, EVP_PKEY **key)
{
	uint8_t xy[64] = {0};
	const uint8_t *p;
	uint16_t curve, kdf, n, i;
	int r;

	if ((r = rd_be16(in, &curve)) != 0 || (r = rd_be16(in, &kdf)) != 0)
		return r;
	if (curve != CURVE_P256 || kdf != ALG_NULL)
		return CL_ERR_UNSUPPORTED;
	for (i = 0; i < 2; i++) {
		if ((r = get_2b(in, &p, &n, 32)) != 0)
			return r;
		memcpy(xy + 32 * i + 32 - n, p, n);
	}
	return p256_key(xy, key);
}

/* A signing key has no symmetric algorithm, a storage key AES in CFB. */
static int
get_symmetric(struct rd *in, bool storage)
{
	uint16_t algorithm, bits, mode;
	int r;

	if ((r = rd_be16(in, &algorithm)) != 0)
		return r;
	if (!storage)
		return algorithm == ALG_NULL ? CL_OK : CL_ERR_UNSUPPORTED;
	if (algorithm != ALG_AES)
		return CL_ERR_UNSUPPORTED;
	if ((r = rd_be16(in, &bits)) != 0 || (r = rd_be16(in, &mode)) != 0)
		return r;
	return bits == 128 && mode == MODE_CFB ? CL_OK : CL_ERR_UNSUPPORTED;
}

/* Up to the type's own part. */
static int
public_head(struct rd *in, bool storage, uint16_t *type, uint32_t *attributes)
{
	const uint8_t *policy;
	uint16_t name, n, scheme, hash;
	int r;

	if ((r = rd_be16(in, type)) != 0 || (r = rd_be16(in, &name)) != 0 ||
	    (r = rd_be32(in, attributes)) != 0 ||
	    (r = get_2b(in, &policy, &n, POLICY_MAX)) != 0 ||
	    (r = get_symmetric(in, storage)) != 0 ||
	    (r = rd_be16(in, &scheme)) != 0)
		return r;
	if (storage && scheme != ALG_NULL)
		return CL_ERR_UNSUPPORTED;
	if (scheme != ALG_NULL && (r = rd_be16(in, &hash)) != 0)
		return r;
	return name == TPM_SHA256 ? CL_OK : CL_ERR_UNSUPPORTED;
}

static int
get_public(const uint8_t *p, size_t n, bool storage, struct tpm_ak *ak)
{
	const struct crypto_part part = {p, n};
	struct rd in = rd_make(p, n);
	EVP_PKEY *key = NULL;
	uint16_t type;
	int r;

	memset(ak, 0, sizeof(*ak));
	if ((r = public_head(&in, storage, &type, &ak->attributes)) != 0)
		return r;
	if (type == TYPE_RSA)
		r = public_rsa(&in, &key);
	else
		r = type == TYPE_ECC ? public_ecc(&in, &key)
				     : CL_ERR_UNSUPPORTED;
	if (r != 0 || (r = rd_end(&in)) != 0 ||
	    (r = crypto_sha256(&part, 1, ak->name + 2)) != 0) {
		EVP_PKEY_free(key);
		return r;
	}
	ak->name[1] = TPM_SHA256;
	ak->has_public = true;
	return set_key(ak, key);
}

int
tpm_ak_public(const uint8_t *p, size_t n, struct tpm_ak *ak)
{
	return get_public(p, n, false, ak);
}

int
tpm_ek_public(const uint8_t *p, size_t n, struct tpm_ak *ek)
{
	return get_public(p, n, true, ek);
}

void
tpm_ak_clear(struct tpm_ak *ak)
{
	EVP_PKEY_free(ak->key);
	memset(ak, 0, sizeof(*ak));
}

static int
check_rsa(
    const struct tpm_signature *s, EVP_PKEY *key, const uint8_t *p, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	int r = CL_ERR_SIGNATURE;
	int padding =
	    s->scheme == TPM_RSAPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;

	if (!ctx)
		return CL_ERR_MEMORY;
	/* How much salt a TPM takes depends on its age: as much as fits, or as
	 * the hash is long. */
	if (EVP_DigestVerifyInit_ex(
		ctx, &how, "SHA256", NULL, NULL, key, NULL) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(how, padding) == 1 &&
	    (s->scheme != TPM_RSAPSS || EVP_PKEY_CTX_set_rsa_pss_saltlen(
					    how, RSA_PSS_SALTLEN_AUTO) == 1) &&
	    EVP_DigestVerify(ctx, s->rsa.p, s->rsa.n, p, n) == 1)
		r = CL_OK;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

int
tpm_signature_check(
    const struct tpm_signature *s, EVP_PKEY *key, const uint8_t *p, size_t n)
{
	if (s->hash != TPM_SHA256)
		return CL_ERR_UNSUPPORTED;
	if (s->scheme == TPM_ECDSA)
		return p256_verify(key, p, n, s->rs);
	return is_rsa(key) ? check_rsa(s, key, p, n) : CL_ERR_UNSUPPORTED;
}
