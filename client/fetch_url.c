#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/fetch_url.h"
#include "policy/rows.h"

#define SERIAL_MAX (3u * CSV_SERIAL + 1u)

static bool
has_pccs(const struct fetch_settings *s)
{
	return s->base[FETCH_INTEL][0] && !s->base[FETCH_INTEL_ROOT][0];
}

enum fetch_host
fetch_url_host(const struct fetch_settings *s, enum fetch_kind kind)
{
	switch (kind) {
	case FETCH_AMD_CHAIN:
	case FETCH_VCEK:
	case FETCH_AMD_CRL:
		return FETCH_AMD;
	case FETCH_HRK:
	case FETCH_HSK_CEK:
		return FETCH_HYGON;
	case FETCH_ROOT_CRL:
		return has_pccs(s) ? FETCH_INTEL : FETCH_INTEL_ROOT;
	default:
		return FETCH_INTEL;
	}
}

static int __attribute__((format(printf, 2, 3)))
put(char out[FETCH_URL_MAX], const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(out, FETCH_URL_MAX, format, ap);
	va_end(ap);
	return n > 0 && n < (int)FETCH_URL_MAX ? CL_OK : CL_ERR_TOO_LARGE;
}

static const char *
product(const struct wanted_amd *w)
{
	return root_name(w->product) + strlen("AMD ");
}

/* Turin's chips have ids of 8 bytes, and a level more. */
static int
vcek(const char *base, const struct wanted_amd *w, char out[FETCH_URL_MAX])
{
	bool turin = w->product == ROOT_AMD_TURIN;
	struct snp_tcb t = {0};
	char hwid[129], fmc[16] = "";

	memcpy(t.raw, w->tcb, sizeof(t.raw));
	snp_tcb_split(&t, w->product);
	rows_hex(w->chip_id, turin ? 8 : 64, hwid);
	if (turin)
		(void)snprintf(fmc, sizeof(fmc), "fmcSPL=%02u&", t.fmc);
	return put(out,
	    "%s/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&"
	    "ucodeSPL=%02u",
	    base, product(w), hwid, fmc, t.bl, t.tee, t.snp, t.ucode);
}

static int
amd(const char *base, const struct wanted_amd *w, const char *what,
    char out[FETCH_URL_MAX])
{
	return put(out, "%s/%s/v1/%s/%s", base, w->vlek ? "vlek" : "vcek",
	    product(w), what);
}

/* RFC 3986: all but unreserved characters. */
static void
encode(const char *text, char out[SERIAL_MAX])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-_~";
	size_t i, n = 0;

	for (i = 0; text[i] && i < CSV_SERIAL; i++)
		if (strchr(plain, text[i]))
			out[n++] = text[i];
		else
			n += (size_t)snprintf(out + n, SERIAL_MAX - n, "%%%02X",
			    (unsigned)(uint8_t)text[i]);
	out[n] = '\0';
}

static int
hsk_cek(const char *base, const struct wanted_hygon *w, char out[FETCH_URL_MAX])
{
	char serial[SERIAL_MAX];

	encode(w->serial, serial);
	return put(out, "%s/hsk_cek?snumber=%s", base, serial);
}

int
fetch_url(const struct fetch_settings *s, enum fetch_kind kind,
    const struct wanted *w, char out[FETCH_URL_MAX])
{
	const char *base = fetch_settings_where(s, fetch_url_host(s, kind));
	char fmspc[13];

	switch (kind) {
	case FETCH_AMD_CHAIN:
		return amd(base, &w->snp, "cert_chain", out);
	case FETCH_AMD_CRL:
		return amd(base, &w->snp, "crl", out);
	case FETCH_VCEK:
		return vcek(base, &w->snp, out);
	case FETCH_TCB_INFO:
		rows_hex(w->tdx.fmspc, sizeof(w->tdx.fmspc), fmspc);
		return put(
		    out, "%s/tdx/certification/v4/tcb?fmspc=%s", base, fmspc);
	case FETCH_QE_IDENTITY:
		return put(out, "%s/tdx/certification/v4/qe/identity", base);
	case FETCH_PCK_CRL:
		return put(out,
		    "%s/sgx/certification/v4/pckcrl?ca=%s&encoding=der", base,
		    w->tdx.platform ? "platform" : "processor");
	case FETCH_ROOT_CRL:
		return put(out, "%s%s", base,
		    has_pccs(s) ? "/sgx/certification/v4/rootcacrl"
				: "/IntelSGXRootCA.der");
	case FETCH_HRK:
		return put(out, "%s/hrk", base);
	case FETCH_HSK_CEK:
		return hsk_cek(base, &w->csv, out);
	case FETCH_KINDS:
		break;
	}
	return CL_ERR_ARGUMENT;
}

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

int
fetch_url_decode(const char *text, size_t n, char *out, size_t *out_n)
{
	int hi, lo;
	size_t i;

	for (*out_n = i = 0; i < n; i++) {
		if (text[i] != '%') {
			out[(*out_n)++] = text[i];
			continue;
		}
		if (n - i < 3 || (hi = digit(text[i + 1])) < 0 ||
		    (lo = digit(text[i + 2])) < 0)
			return CL_ERR_FORMAT;
		out[(*out_n)++] = (char)(hi << 4 | lo);
		i += 2;
	}
	out[*out_n] = '\0';
	return CL_OK;
}
