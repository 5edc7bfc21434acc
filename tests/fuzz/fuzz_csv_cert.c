/* csv_cert_parse, csv_cert_verify: a certificate of Hygon's as each kind */
#include "fuzz.h"
#include "policy/verify_csv_cert.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const enum csv_kind kinds[] = {
	    CSV_HRK, CSV_HSK, CSV_CEK, CSV_PEK};
	struct csv_cert c;
	const char *why;
	unsigned i;

	for (i = 0; i < 4; i++) {
		why = NULL;
		memset(&c, 0, sizeof(c));
		if (csv_cert_parse(kinds[i], p, n, &c, &why) != 0)
			fuzz_holds(why);
		else if (csv_cert_verify(&c, p, n, c.sig) == 0)
			fuzz_holds(c.uid_n <= CSV_UID_MAX);
	}
	return 0;
}
