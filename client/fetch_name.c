#include <ctype.h>
#include <stdio.h>

#include "client/fetch_name.h"
#include "client/why.h"
#include "lib/crypto.h"
#include "policy/rows.h"

#define CHIP 16u /* bytes of a chip id that a name shows */

/* What evidence claims becomes no path. */
static void
harmless(const char *text, char out[CSV_SERIAL + 1])
{
	size_t i;

	for (i = 0; text[i] && i < CSV_SERIAL; i++)
		out[i] = isalnum((unsigned char)text[i]) ? text[i] : '_';
	out[i] = '\0';
}

static int
amd(enum fetch_kind kind, const struct wanted_amd *w, char out[FETCH_NAME_MAX])
{
	const char *key = w->vlek ? "vlek" : "vcek";
	const char *name = snp_product(w->product);
	char chip[2 * CHIP + 1], tcb[17];

	if (!name)
		return why_set(CL_ERR_ARGUMENT, "no product of AMD's");
	rows_hex(w->chip_id, CHIP, chip);
	rows_hex(w->tcb, sizeof(w->tcb), tcb);
	if (kind == FETCH_VCEK)
		(void)snprintf(out, FETCH_NAME_MAX, "amd-vcek-%s-%s-%s.der",
		    name, chip, tcb);
	else if (kind == FETCH_AMD_CHAIN)
		(void)snprintf(
		    out, FETCH_NAME_MAX, "amd-%s-chain-%s.pem", key, name);
	else
		(void)snprintf(
		    out, FETCH_NAME_MAX, "amd-%s-crl-%s.der", key, name);
	return CL_OK;
}

int
fetch_name(
    enum fetch_kind kind, const struct wanted *w, char out[FETCH_NAME_MAX])
{
	char text[CSV_SERIAL + 1];

	switch (kind) {
	case FETCH_AMD_CHAIN:
	case FETCH_VCEK:
	case FETCH_AMD_CRL:
		return amd(kind, &w->snp, out);
	case FETCH_TCB_INFO:
		rows_hex(w->tdx.fmspc, sizeof(w->tdx.fmspc), text);
		(void)snprintf(
		    out, FETCH_NAME_MAX, "intel-tcb-info-%s.json", text);
		return CL_OK;
	case FETCH_QE_IDENTITY:
		(void)snprintf(out, FETCH_NAME_MAX, "intel-qe-identity.json");
		return CL_OK;
	case FETCH_PCK_CRL:
		(void)snprintf(out, FETCH_NAME_MAX, "intel-pck-crl-%s.der",
		    w->tdx.platform ? "platform" : "processor");
		return CL_OK;
	case FETCH_ROOT_CRL:
		(void)snprintf(out, FETCH_NAME_MAX, "intel-root-crl.der");
		return CL_OK;
	case FETCH_HRK:
		(void)snprintf(out, FETCH_NAME_MAX, "hygon-hrk.cert");
		return CL_OK;
	case FETCH_HSK_CEK:
		harmless(w->csv.serial, text);
		(void)snprintf(
		    out, FETCH_NAME_MAX, "hygon-hsk-cek-%s.cert", text);
		return CL_OK;
	case FETCH_KINDS:
		break;
	}
	return why_set(CL_ERR_ARGUMENT, "no document of this kind");
}

int
fetch_name_issuers(const char *pem, size_t n, char out[FETCH_NAME_MAX])
{
	const struct crypto_part part = {pem, n};
	uint8_t digest[32];
	char text[17];
	int r = crypto_sha256(&part, 1, digest);

	if (r != 0)
		return why_set(r, "OpenSSL: %s", err_text(r));
	rows_hex(digest, 8, text);
	(void)snprintf(out, FETCH_NAME_MAX, "intel-issuers-%s.pem", text);
	return CL_OK;
}
