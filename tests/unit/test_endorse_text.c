/* policy/endorse_text, csv_json, bytes_text: endorsements in the text that
 * services and tools put around them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>
#include <openssl/pem.h>

#include "coco_json.h"
#include "fake_amd.h"
#include "fake_hygon.h"
#include "lib/b64.h"
#include "lib/secmem.h"
#include "policy/bytes_text.h"
#include "policy/csv_json.h"
#include "policy/endorse.h"

#define TEXT 262144u

/* A chain, a list and their DER forms. */
struct pieces {
	uint8_t *der[4];
	size_t n[4];
	char pem[3][4096];
};

static const struct pieces *
pieces(void)
{
	static struct pieces p;
	struct fake_amd f = {.product = ROOT_AMD_MILAN, .crl = true};
	unsigned i;
	BIO *bio;

	if (p.der[0])
		return &p;
	fake_amd_make(&f);
	for (i = 0; i < 3; i++) {
		p.n[i] = (size_t)i2d_X509(f.bag->certs[i], &p.der[i]);
		bio = BIO_new(BIO_s_mem());
		assert_int_equal(PEM_write_bio_X509(bio, f.bag->certs[i]), 1);
		assert_true(BIO_read(bio, p.pem[i], sizeof(p.pem[i]) - 1) > 0);
		BIO_free(bio);
	}
	p.n[3] = (size_t)i2d_X509_CRL(f.bag->crls[0], &p.der[3]);
	fake_amd_free(&f);
	return &p;
}

/* What the text holds; r: the answer. */
static void
holds(const char *text, size_t n, int r, unsigned certs, unsigned crls,
    unsigned docs)
{
	struct endorse *e;

	assert_int_equal(endorse_new(&e), CL_OK);
	assert_int_equal(endorse_add_text(e, (const uint8_t *)text, n), r);
	assert_int_equal(e->ncerts, certs);
	assert_int_equal(e->ncrls, crls);
	assert_int_equal(e->ndocs, docs);
	endorse_free(e);
}

static char *
hex_of(const uint8_t *p, size_t n)
{
	char *text = calloc(1, 2 * n + 1);
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02X", p[i]);
	return text;
}

static char *
base64_of(const uint8_t *p, size_t n)
{
	char *text = calloc(1, b64_len(n) + 1);

	b64_encode(p, n, text);
	return text;
}

static char *
numbers_of(const uint8_t *p, size_t n)
{
	char *text = calloc(1, 4 * n + 3), *at = text;
	size_t i;

	*at++ = '[';
	for (i = 0; i < n; i++)
		at += snprintf(at, 5, "%s%u", i ? "," : "", p[i]);
	*at = ']';
	return text;
}

/* As a URL has it. */
static void
escape(const char *text, char *out)
{
	for (; *text; text++)
		out += isalnum((unsigned char)*text) || *text == '-'
			   ? sprintf(out, "%c", *text)
			   : sprintf(out, "%%%02X", (unsigned char)*text);
}

static void
hex_and_base64_are_read(void **state)
{
	const struct pieces *p = pieces();
	char *hex = hex_of(p->der[3], p->n[3]), text[TEXT];
	char *base64 = base64_of(p->der[0], p->n[0]);
	int n;

	(void)state;
	holds(hex, strlen(hex), CL_OK, 0, 1, 0);
	n = snprintf(text, sizeof(text), "0x%s\n", hex);
	holds(text, (size_t)n, CL_OK, 0, 1, 0);
	holds(base64, strlen(base64), CL_OK, 1, 0, 0);
	n = snprintf(
	    text, sizeof(text), "%.64s\r\n%s\r\n", base64, base64 + 64);
	holds(text, (size_t)n, CL_OK, 1, 0, 0);
	/* Half of one, and a digit too few. */
	holds(hex, strlen(hex) / 2 & ~1ul, CL_ERR_FORMAT, 0, 0, 0);
	holds(hex, strlen(hex) - 1, CL_ERR_FORMAT, 0, 0, 0);
	hex[7] = 'g';
	holds(hex, strlen(hex), CL_ERR_FORMAT, 0, 0, 0);
	free(hex);
	free(base64);
}

static void
ders_may_follow_each_other(void **state)
{
	const struct pieces *p = pieces();
	char all[16384];
	size_t n = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		memcpy(all + n, p->der[i], p->n[i]);
		n += p->n[i];
	}
	holds(all, n, CL_OK, 3, 1, 0);
	holds(all, n - 1, CL_ERR_FORMAT, 0, 0, 0);
	all[n] = 0;
	holds(all, n + 1, CL_ERR_FORMAT, 0, 0, 0);
}

static void
headers_of_an_answer_are_read(void **state)
{
	const struct pieces *p = pieces();
	char chain[8192], escaped[3 * 8192], text[TEXT], doc[16384];
	int n;

	(void)state;
	snprintf(chain, sizeof(chain), "%s%s", p->pem[0], p->pem[1]);
	escape(chain, escaped);
	holds(escaped, strlen(escaped), CL_OK, 2, 0, 0);
	snprintf(doc, sizeof(doc),
	    "{\"tcbInfo\":{\"a\":\"%0200d\"},"
	    "\"signature\":\"\"}",
	    1);
	/* On lines of their own: the chain, then a document. */
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nTCB-Info-Issuer-Chain: %s\r\n\r\n%s\n", escaped,
	    doc);
	holds(text, (size_t)n, CL_OK, 2, 0, 1);
}

/* {"tcb_info":…}: the body as a text, its signature beside it. */
static void
collateral_of_libraries_is_read(void **state)
{
	const struct pieces *p = pieces();
	char *crl = hex_of(p->der[3], p->n[3]);
	char body[1024], sig[129], text[TEXT];
	struct endorse *e;
	int n;

	(void)state;
	memset(sig, '7', 128);
	sig[128] = '\0';
	snprintf(body, sizeof(body),
	    "{\\\"id\\\":\\\"TDX\\\",\\\"x\\\":\\\"%0150d\\\"}", 0);
	n = snprintf(text, sizeof(text),
	    "{\"pck_crl_issuer_chain\":\"\",\"root_ca_crl\":\"%s\","
	    "\"tcb_info\":\"%s\",\"tcb_info_signature\":\"%s\","
	    "\"qe_identity\":\"%s\",\"qe_identity_signature\":\"%s\"}",
	    crl, body, sig, body, sig);
	assert_int_equal(endorse_new(&e), CL_OK);
	assert_int_equal(
	    endorse_add_text(e, (const uint8_t *)text, (size_t)n), CL_OK);
	assert_int_equal(e->ncrls, 1);
	assert_int_equal(e->ndocs, 2);
	/* The very bytes that the text stood for, put together again. */
	n = snprintf(text, sizeof(text),
	    "{\"tcbInfo\":{\"id\":\"TDX\",\"x\":\"%0150d\"},\"signature\":\"%"
	    "s\"}",
	    0, sig);
	assert_non_null(endorse_find(e, ENDORSE_TCB_INFO));
	assert_int_equal(endorse_find(e, ENDORSE_TCB_INFO)->n, n);
	assert_memory_equal(endorse_find(e, ENDORSE_TCB_INFO)->p, text, n);
	assert_non_null(endorse_find(e, ENDORSE_QE_IDENTITY));
	endorse_free(e);
	free(crl);
}

/* Documents that are members, as objects: their bytes, not their values. */
static void
documents_are_cut_out(void **state)
{
	static const char doc[] =
	    "{\"tcbInfo\":{\"a\": \"}\\\"{\",  \"b\":[{}, {}]},\"signature\":"
	    "\"0123456789012345678901234567890123456789012345678901234567\"}";
	char text[TEXT];
	struct endorse *e;
	int n;

	(void)state;
	n = snprintf(text, sizeof(text), "[\n {\"x\" : %s, \"y\":2} ]\n", doc);
	assert_int_equal(endorse_new(&e), CL_OK);
	assert_int_equal(
	    endorse_add_text(e, (const uint8_t *)text, (size_t)n), CL_OK);
	assert_int_equal(e->ndocs, 1);
	assert_int_equal(e->docs[0].n, sizeof(doc) - 1);
	assert_memory_equal(e->docs[0].p, doc, sizeof(doc) - 1);
	endorse_free(e);
}

static void
byte_arrays_are_read(void **state)
{
	const struct pieces *p = pieces();
	char *a = numbers_of(p->der[0], p->n[0]);
	char *b = numbers_of(p->der[1], p->n[1]), text[TEXT];
	int n;

	(void)state;
	n = snprintf(text, sizeof(text),
	    "{\"cert_chain\":[{\"cert_type\":\"VCEK\",\"data\":%s},"
	    "{\"cert_type\":\"ASK\",\"data\":%s}],\"x\":[1,2,300],\"y\":null}",
	    a, b);
	holds(text, (size_t)n, CL_OK, 2, 0, 0);
	free(a);
	free(b);
}

/* Text that holds nothing of ours, or too much of anything. */
static void
strangers_are_refused(void **state)
{
	static const char *const texts[] = {"", "{}", "[]", "null",
	    "{\"tcbInfo\":{", "-----BEGIN%20", "-----BEGIN%20CERTIFICATE-----",
	    "{\"tcb_info\":\"{}\",\"tcb_info_signature\":\"00\"}",
	    "{\"a\":{\"b\":[[[[{}]]]]}}"};
	char text[TEXT];
	unsigned i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		n = snprintf(text, sizeof(text), "%s%200s", texts[i], "");
		holds(text, (size_t)n, CL_ERR_FORMAT, 0, 0, 0);
	}
	/* Documents without end would be searched for their ends for ever. */
	strcpy(text, "[\"");
	for (n = 2; n < 200000; n += 12)
		memcpy(text + n, "{'tcbInfo':{", 12);
	strcpy(text + n, "\"]");
	holds(text, (size_t)n + 2, CL_ERR_FORMAT, 0, 0, 0);
	strcpy(text, "[");
	for (n = 1; n < 260000 - 16; n += 15)
		memcpy(text + n, "{\"tcbInfo\":{}},", 15);
	text[n - 1] = ']';
	holds(text, (size_t)n, CL_ERR_LIMIT, 0, 0, 0);
}

/* ---- Hygon's --------------------------------------------------------------
 */

static void
hygons_certificates_come_out_as_they_were(void **state)
{
	struct fake_hygon *f = fake_hygon_new();
	uint8_t out[CSV_CERT];
	json_t *hsk, *cek, *all;
	char *text;
	size_t n;

	(void)state;
	hsk = coco_root(f->hsk);
	cek = coco_cert(f->cek);
	assert_int_equal(csv_json_cert(hsk, out, &n), CL_OK);
	assert_int_equal(n, CSV_ROOT_CERT);
	assert_memory_equal(out, f->hsk, n);
	assert_int_equal(csv_json_cert(cek, out, &n), CL_OK);
	assert_int_equal(n, CSV_CERT);
	assert_memory_equal(out, f->cek, n);
	all = json_pack("{s:{s:{s:O,s:O}}}", "cert_chain", "hsk_cek", "hsk",
	    hsk, "cek", cek);
	text = json_dumps(all, 0);
	holds(text, strlen(text), CL_OK, 0, 0, 2);
	free(text);
	json_decref(all);
	json_object_del(
	    json_object_get(json_object_get(cek, "body"), "data"), "user_id");
	assert_int_equal(csv_json_cert(cek, out, &n), CL_ERR_FORMAT);
	json_array_clear(json_object_get(
	    json_object_get(json_object_get(hsk, "body"), "pubkey"), "x"));
	assert_int_equal(csv_json_cert(hsk, out, &n), CL_ERR_FORMAT);
	json_decref(hsk);
	json_decref(cek);
	fake_hygon_free(f);
}

/* ---- bytes ----------------------------------------------------------------
 */

static void
gives(const char *text, const char *want)
{
	uint8_t *p = NULL;
	size_t n = 0;
	char hex[256];
	int r = bytes_text(text, strlen(text), &p, &n);

	if (!want) {
		assert_int_equal(r, CL_ERR_FORMAT);
		return;
	}
	assert_int_equal(r, CL_OK);
	rows_hex(p, n, hex);
	assert_string_equal(hex, want);
	secmem_free(p);
}

static void
bytes_are_read_in_every_form(void **state)
{
	(void)state;
	gives("00ff", "00ff");
	gives("0x00Ff", "00ff");
	gives(" 0 0\nFF\t", "00ff");
	gives("AP8=", "00ff");
	gives("AP8", "00ff");
	gives("-_-_", "fbffbf");
	gives("+/+/", "fbffbf");
	gives("AP9=", NULL); /* bits that nobody wrote */
	gives("", NULL);
	gives(" \n", NULL);
	gives("0x", NULL);
	gives("=", NULL);
	gives("a.b", NULL);
}

static void
hex_is_two_digits_a_byte(void **state)
{
	static const char *const bad[] = {"", "0", "0a", "0a1", "0ag0", "0x0a",
	    "0a 1", "0a/f", "0a:f", "0a@f", "0aG0", "0a`f",
	    "\xff"
	    "a00"};
	uint8_t got[2];
	size_t i;

	(void)state;
	assert_int_equal(bytes_hex("0aF9zz", got, 2), CL_OK);
	assert_int_equal(got[0], 0x0a);
	assert_int_equal(got[1], 0xf9);
	assert_int_equal(bytes_hex("", got, 0), CL_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(bytes_hex(bad[i], got, 2), CL_ERR_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hex_and_base64_are_read),
	    cmocka_unit_test(ders_may_follow_each_other),
	    cmocka_unit_test(headers_of_an_answer_are_read),
	    cmocka_unit_test(collateral_of_libraries_is_read),
	    cmocka_unit_test(documents_are_cut_out),
	    cmocka_unit_test(byte_arrays_are_read),
	    cmocka_unit_test(strangers_are_refused),
	    cmocka_unit_test(hygons_certificates_come_out_as_they_were),
	    cmocka_unit_test(bytes_are_read_in_every_form),
	    cmocka_unit_test(hex_is_two_digits_a_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
