#include <ctype.h>
#include <string.h>

#include "tde/cell_layout.h"
#include "tde/suite_impl.h"

#define NAME_MAX_BYTES 64u

/* Names that people ask for and must not get. The first match counts. */
static const struct {
	const char *part;
	const char *reason;
} refused_names[] = {
    {"3des", "triple DES has 64-bit blocks: collisions leak plaintext"},
    {"des-ede", "triple DES has 64-bit blocks: collisions leak plaintext"},
    {"des", "DES keys have 56 bits and are searched in hours"},
    {"rc2", "RC2 is broken and has 64-bit blocks"},
    {"rc4", "RC4's key stream is biased and nothing is authenticated"},
    {"arcfour", "RC4's key stream is biased and nothing is authenticated"},
    {"blowfish", "Blowfish has 64-bit blocks: collisions leak plaintext"},
    {"bf", "Blowfish has 64-bit blocks: collisions leak plaintext"},
    {"idea", "IDEA has 64-bit blocks: collisions leak plaintext"},
    {"cast5", "CAST5 has 64-bit blocks: collisions leak plaintext"},
    {"ecb", "ECB shows equal blocks and nothing is authenticated"},
    {"cbc", "CBC alone is not authenticated: cells could be altered"},
    {"ctr", "CTR alone is not authenticated: cells could be altered"},
    {"cfb", "CFB alone is not authenticated: cells could be altered"},
    {"ofb", "OFB alone is not authenticated: cells could be altered"},
    {"xts", "XTS is not authenticated: cells could be altered"},
    {"none", "a column without encryption does not need Cloister"},
    {"null", "a column without encryption does not need Cloister"},
    {"plain", "a column without encryption does not need Cloister"},
};

const struct suite *
suite_by_id(uint8_t id)
{
	switch (id) {
	case SUITE_AES256_GCM:
		return suite_gcm();
	case SUITE_AES256_SIV:
		return suite_siv();
	default:
		return NULL;
	}
}

/* "AES_256_ECB" becomes "aes-256-ecb". */
static int
canonical(const char *name, char out[NAME_MAX_BYTES])
{
	size_t i, n = strlen(name);

	if (n >= NAME_MAX_BYTES)
		return CL_ERR_ARGUMENT;
	for (i = 0; i <= n; i++) {
		out[i] = (char)tolower((unsigned char)name[i]);
		if (out[i] == '_' || out[i] == ' ')
			out[i] = '-';
	}
	return CL_OK;
}

/* Is part a word, up to a number behind it, in a name whose words stand
 * between dashes? "des" is in "des3-cbc" but not in "destiny". */
static int
has_word(const char *name, const char *part)
{
	const char *at = name;
	size_t n = strlen(part);

	while ((at = strstr(at, part)) != NULL) {
		if ((at == name || at[-1] == '-') &&
		    (at[n] == '\0' || at[n] == '-' ||
			isdigit((unsigned char)at[n])))
			return 1;
		at++;
	}
	return 0;
}

static const char *
reason_for(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(refused_names) / sizeof(refused_names[0]); i++)
		if (has_word(name, refused_names[i].part))
			return refused_names[i].reason;
	return NULL;
}

const struct suite *
suite_by_name(const char *name, const char **refused)
{
	static const uint8_t ids[] = {SUITE_AES256_GCM, SUITE_AES256_SIV};
	char text[NAME_MAX_BYTES];
	const struct suite *s;
	size_t i;

	if (refused)
		*refused = NULL;
	if (canonical(name, text) != CL_OK)
		return NULL;
	for (i = 0; i < sizeof(ids); i++) {
		s = suite_by_id(ids[i]);
		if (s && strcmp(s->name, text) == 0)
			return s;
	}
	if (refused)
		*refused = reason_for(text);
	return NULL;
}

/* One pass through every call that later runs under the system call filter,
 * so that what the libraries set up lazily is set up now. */
static int
warm_up(const struct suite *s)
{
	static const uint8_t zero[64];
	uint8_t ct[32], pt[32], tag[CELL_TAG];
	void *context;
	int r;

	context = secmem_alloc(s->context_size);
	if (!context)
		return CL_ERR_MEMORY;
	if ((r = s->init(context, zero)) != CL_OK)
		goto out;
	r = s->seal(context, zero, zero, 12, zero, sizeof(pt), ct, tag);
	if (r == CL_OK)
		r = s->open(context, zero, zero, 12, ct, sizeof(pt), tag, pt);
	tag[0] ^= 1;
	if (r == CL_OK && s->open(context, zero, zero, 12, ct, sizeof(pt), tag,
			      pt) != CL_ERR_BAD_CELL)
		r = CL_ERR_CRYPTO;
	s->clear(context);
out:
	secmem_free(context);
	return r;
}

int
suite_start(void)
{
	const struct suite *gcm = suite_gcm(), *siv = suite_siv();
	int r;

	if (!gcm || !siv)
		return CL_ERR_CRYPTO;
	if ((r = warm_up(gcm)) != CL_OK)
		return r;
	return warm_up(siv);
}
