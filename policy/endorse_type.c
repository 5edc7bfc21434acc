/* What a blob seems to be, at a glance. */
#include <string.h>

#include "lib/buf.h"
#include "policy/endorse_blob.h"

#define HYGON_ROOT_N	832u
#define HYGON_CEK_N	2084u
#define HYGON_HRK	0x00u
#define HYGON_HSK	0x13u
#define HYGON_CEK	0x1004u
#define HYGON_USAGE_OFF 36u
#define HYGON_UID_OFF	214u
#define HYGON_HRK_UID	"HYGON-SSD-HRK"
#define CSV_USAGE_OFF	8u

int
endorse_hygon_kind(const uint8_t *p, size_t n)
{
	uint32_t usage;

	if (n == HYGON_CEK_N)
		return le32_get(p + CSV_USAGE_OFF) == HYGON_CEK ? ENDORSE_CEK
								: 0;
	if (n != HYGON_ROOT_N && n != HYGON_ROOT_N + HYGON_CEK_N)
		return 0;
	usage = le32_get(p + HYGON_USAGE_OFF);
	/* A damaged root is for its verifier to refuse, not to pass over. */
	if (n == HYGON_ROOT_N &&
	    (usage == HYGON_HRK || memcmp(p + HYGON_UID_OFF, HYGON_HRK_UID,
				       sizeof(HYGON_HRK_UID)) == 0))
		return ENDORSE_HRK;
	if (usage != HYGON_HSK)
		return 0;
	if (n == HYGON_ROOT_N)
		return ENDORSE_HSK;
	return le32_get(p + HYGON_ROOT_N + CSV_USAGE_OFF) == HYGON_CEK
		   ? ENDORSE_HSK_CEK
		   : 0;
}

bool
endorse_is_json(const uint8_t *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++, n--;
	return n && *p == '{';
}

/* DER (X.690): a tag of one byte, then a length of at most four. body: what is
 * inside; in stands behind it. */
static bool
next_der(struct rd *in, uint8_t *tag, struct rd *body)
{
	const uint8_t *p;
	uint8_t first, byte;
	size_t n;

	if (rd_u8(in, tag) != 0 || rd_u8(in, &first) != 0 || first == 0x80 ||
	    first > 0x84)
		return false;
	n = first;
	if (first & 0x80) {
		for (n = 0, first &= 0x7f; first; first--) {
			if (rd_u8(in, &byte) != 0)
				return false;
			n = n << 8 | byte;
		}
	}
	if (rd_view(in, &p, n) != 0)
		return false;
	*body = rd_make(p, n);
	return true;
}

enum { INTEGER = 2, UTC_TIME = 0x17, GENERAL_TIME, SEQUENCE = 0x30, V3 = 0xa0 };

/* RFC 5280, 4.1 and 5.1: a version in brackets is a certificate's; else, after
 * an optional number, algorithm and issuer, comes a list's date or a
 * certificate's validity. */
static const char *
der_type(const uint8_t *p, size_t n)
{
	static const char cert[] = "application/pkix-cert";
	struct rd in = rd_make(p, n), whole, tbs, any;
	uint8_t tag;

	if (!next_der(&in, &tag, &whole) || tag != SEQUENCE || in.left ||
	    !next_der(&whole, &tag, &tbs) || tag != SEQUENCE ||
	    !next_der(&tbs, &tag, &any))
		return NULL;
	if (tag == V3)
		return cert;
	if (tag == INTEGER && !next_der(&tbs, &tag, &any))
		return NULL;
	if (tag != SEQUENCE || !next_der(&tbs, &tag, &any) || tag != SEQUENCE ||
	    !next_der(&tbs, &tag, &any))
		return NULL;
	if (tag == UTC_TIME || tag == GENERAL_TIME)
		return "application/pkix-crl";
	return tag == SEQUENCE ? cert : NULL;
}

const char *
endorse_type(const uint8_t *p, size_t n)
{
	const char *type;

	if (endorse_is_table(p, n))
		return "application/vnd.cloister.amd-cert-table";
	if (endorse_is_pem(p, n))
		return "application/pem-certificate-chain";
	if ((type = der_type(p, n)))
		return type;
	if (endorse_hygon_kind(p, n))
		return "application/vnd.cloister.hygon-cert";
	return endorse_is_json(p, n) ? "application/json" : NULL;
}
