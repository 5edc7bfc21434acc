/* policy/endorse: what a blob is, is seen from its content; nothing that
 * fails leaves something behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <sys/stat.h>

#include "fake_amd.h"
#include "lib/file.h"
#include "policy/endorse.h"
#include "scratch.h"
#include "shared_evidence.h"

/* A chain and its list, as DER and as PEM. */
struct pieces {
	uint8_t *der[4];
	size_t der_n[4];
	char *pem[4];
};

static void
to_pem(struct pieces *p, unsigned i, const char *label)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	assert_true(
	    PEM_write_bio(bio, label, "", p->der[i], (long)p->der_n[i]) > 0);
	n = BIO_get_mem_data(bio, &text);
	p->pem[i] = calloc(1, (size_t)n + 1);
	memcpy(p->pem[i], text, (size_t)n);
	BIO_free(bio);
}

static const struct pieces *
pieces(void)
{
	static struct pieces p;
	struct fake_amd f = {.product = ROOT_AMD_MILAN, .crl = true};
	unsigned i;

	if (p.der[0])
		return &p;
	fake_amd_make(&f);
	for (i = 0; i < 3; i++) {
		p.der_n[i] = (size_t)i2d_X509(f.bag->certs[i], &p.der[i]);
		to_pem(&p, i, "CERTIFICATE");
	}
	p.der_n[3] = (size_t)i2d_X509_CRL(f.bag->crls[0], &p.der[3]);
	to_pem(&p, 3, "X509 CRL");
	fake_amd_free(&f);
	return &p;
}

static struct endorse *
bag(void)
{
	struct endorse *e;

	assert_int_equal(endorse_new(&e), CL_OK);
	return e;
}

/* Adding gives r; the bag then has so many of each. */
static void
adds(struct endorse *e, const void *p, size_t n, int r, unsigned certs,
    unsigned crls, unsigned docs)
{
	assert_int_equal(endorse_add(e, p, n), r);
	assert_true(r != CL_OK || endorse_type(p, n));
	assert_int_equal(e->ncerts, certs);
	assert_int_equal(e->ncrls, crls);
	assert_int_equal(e->ndocs, docs);
}

static void
der_and_pem_are_known(void **state)
{
	const struct pieces *p = pieces();
	struct endorse *e = bag();
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		adds(e, p->der[i], p->der_n[i], CL_OK, i + 1, 0, 0);
	adds(e, p->der[3], p->der_n[3], CL_OK, 3, 1, 0);
	/* What is there already is not there twice. */
	for (i = 0; i < 4; i++) {
		adds(e, p->der[i], p->der_n[i], CL_OK, 3, 1, 0);
		adds(e, p->pem[i], strlen(p->pem[i]), CL_OK, 3, 1, 0);
	}
	endorse_free(e);
	e = bag();
	for (i = 0; i < 3; i++)
		adds(e, p->pem[i], strlen(p->pem[i]), CL_OK, i + 1, 0, 0);
	adds(e, p->pem[3], strlen(p->pem[3]), CL_OK, 3, 1, 0);
	endorse_free(e);
}

static void
chains_may_have_text_between(void **state)
{
	const struct pieces *p = pieces();
	struct endorse *e = bag();
	char text[16384];
	int n;

	(void)state;
	n = snprintf(text, sizeof(text),
	    "subject=CN = SEV-Milan\n%s\n\nThe root:\r\n%s%s", p->pem[1],
	    p->pem[0], p->pem[3]);
	adds(e, text, (size_t)n, CL_OK, 2, 1, 0);
	/* With the NUL that some writers leave, and no last newline. */
	adds(e, text, (size_t)n + 1, CL_OK, 2, 1, 0);
	adds(e, text, (size_t)n - 1, CL_OK, 2, 1, 0);
	adds(e, text, (size_t)n - 2, CL_ERR_FORMAT, 2, 1, 0);
	endorse_free(e);
}

static void
carriage_returns_are_fine(void **state)
{
	const struct pieces *p = pieces();
	struct endorse *e = bag();
	char text[8192];
	const char *s;
	size_t n = 0;

	(void)state;
	for (s = p->pem[0]; *s; s++) {
		if (*s == '\n')
			text[n++] = '\r';
		text[n++] = *s;
	}
	adds(e, text, n, CL_OK, 1, 0, 0);
	endorse_free(e);
}

/* Every changed character of a block makes it another thing, or nothing. */
static void
pem_is_read_strictly(void **state)
{
	const struct pieces *p = pieces();
	size_t n = strlen(p->pem[2]), i;
	uint8_t *text = malloc(n);
	struct endorse *good = bag(), *e;
	int r;

	(void)state;
	adds(good, p->pem[2], n, CL_OK, 1, 0, 0);
	for (i = 0; i < n; i++) {
		memcpy(text, p->pem[2], n);
		text[i] ^= (uint8_t)(1u << i % 8);
		e = bag();
		r = endorse_add(e, text, n);
		if (r == 0 && e->ncerts == 1 &&
		    X509_cmp(e->certs[0], good->certs[0]) == 0)
			fail_msg("character %zu", i);
		endorse_free(e);
	}
	free(text);
	endorse_free(good);
}

static void
pieces_of_anything_are_refused(void **state)
{
	const struct pieces *p = pieces();
	struct endorse *e = bag();
	uint8_t more[8192];
	size_t i;

	(void)state;
	for (i = 0; i < p->der_n[0]; i++)
		adds(e, p->der[0], i, CL_ERR_FORMAT, 0, 0, 0);
	for (i = 0; i < strlen(p->pem[0]) - 1; i++)
		adds(e, p->pem[0], i, CL_ERR_FORMAT, 0, 0, 0);
	memcpy(more, p->der[0], p->der_n[0]);
	more[p->der_n[0]] = 0;
	adds(e, more, p->der_n[0] + 1, CL_ERR_FORMAT, 0, 0, 0);
	memcpy(more + p->der_n[0], p->der[1], p->der_n[1]);
	adds(e, more, p->der_n[0] + p->der_n[1], CL_ERR_FORMAT, 0, 0, 0);
	adds(e,
	    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE "
	    "KEY-----\n",
	    60, CL_ERR_FORMAT, 0, 0, 0);
	adds(e, "", 0, CL_ERR_FORMAT, 0, 0, 0);
	adds(e, "\0\0\0\0", 4, CL_ERR_FORMAT, 0, 0, 0);
	endorse_free(e);
}

static void
documents_are_kept_as_they_came(void **state)
{
	static const char tcb[] = " {\"tcbInfo\": {},\n \"signature\":\"00\"}",
			  qe[] = "{\"enclaveIdentity\":{}}",
			  other[] = "{\"x\":1}",
			  twice[] = "{\"tcbInfo\":{},\"tcbInfo\":{}}";
	struct endorse *e = bag();
	const struct endorse_doc *doc;

	(void)state;
	adds(e, tcb, sizeof(tcb) - 1, CL_OK, 0, 0, 1);
	adds(e, qe, sizeof(qe) - 1, CL_OK, 0, 0, 2);
	adds(e, qe, sizeof(qe) - 1, CL_OK, 0, 0, 2);
	adds(e, other, sizeof(other) - 1, CL_ERR_FORMAT, 0, 0, 2);
	adds(e, twice, sizeof(twice) - 1, CL_ERR_FORMAT, 0, 0, 2);
	adds(e, tcb, sizeof(tcb) - 2, CL_ERR_FORMAT, 0, 0, 2);
	doc = endorse_find(e, ENDORSE_TCB_INFO);
	assert_non_null(doc);
	assert_int_equal(doc->n, sizeof(tcb) - 1);
	assert_memory_equal(doc->p, tcb, doc->n);
	assert_non_null(endorse_find(e, ENDORSE_QE_IDENTITY));
	assert_null(endorse_find(e, ENDORSE_HRK));
	endorse_free(e);
}

static void
hygons_are_told_by_length_and_usage(void **state)
{
	uint8_t p[2917] = {0};
	struct endorse *e = bag();

	(void)state;
	adds(e, p, 832, CL_OK, 0, 0, 1);
	assert_non_null(endorse_find(e, ENDORSE_HRK));
	adds(e, p, 2084, CL_ERR_FORMAT, 0, 0, 1);
	adds(e, p, 2916, CL_ERR_FORMAT, 0, 0, 1);
	p[36] = 0x13;
	adds(e, p, 832, CL_OK, 0, 0, 2);
	assert_non_null(endorse_find(e, ENDORSE_HSK));
	adds(e, p, 2916, CL_ERR_FORMAT, 0, 0, 2);
	le32_put(p + 832 + 8, 0x1004);
	adds(e, p, 2916, CL_OK, 0, 0, 3);
	assert_non_null(endorse_find(e, ENDORSE_HSK_CEK));
	adds(e, p + 832, 2084, CL_OK, 0, 0, 4);
	assert_non_null(endorse_find(e, ENDORSE_CEK));
	adds(e, p, 2917, CL_ERR_FORMAT, 0, 0, 4);
	adds(e, p, 2915, CL_ERR_FORMAT, 0, 0, 4);
	p[36] = 1;
	adds(e, p, 832, CL_ERR_FORMAT, 0, 0, 4);
	endorse_free(e);
}

static void
type_is(const void *p, size_t n, const char *want)
{
	char type[64] = "application/";
	const char *came = endorse_type(p, n);

	if (!want)
		assert_null(came);
	else
		assert_string_equal(came, strcat(type, want));
}

static void
glances_tell_media_types(void **state)
{
	const struct pieces *p = pieces();
	unsigned i;
	size_t n;

	(void)state;
	for (i = 0; i < 4; i++) {
		type_is(
		    p->der[i], p->der_n[i], i < 3 ? "pkix-cert" : "pkix-crl");
		type_is(p->pem[i], strlen(p->pem[i]), "pem-certificate-chain");
		for (n = 0; n < p->der_n[i]; n++)
			type_is(p->der[i], n, NULL);
	}
}

/* ---- AMD's table --------------------------------------------------------- */

static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
    0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
static const uint8_t ask[16] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
    0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
static const uint8_t ark[16] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
    0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
static const uint8_t crl[16] = {0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d,
    0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67, 0xea};
static const uint8_t google[16] = {0xec, 0xae, 0x0c, 0x0f, 0x95, 0x02, 0x43,
    0xb1, 0xaf, 0xa2, 0x0a, 0xe2, 0xe0, 0xd5, 0x65, 0xb6};

struct table {
	uint8_t p[16384];
	size_t n, at; /* end of payloads; next entry */
};

static void
entry(struct table *t, const uint8_t guid[16], const void *p, size_t n)
{
	memcpy(t->p + t->at, guid, 16);
	le32_put(t->p + t->at + 16, (uint32_t)t->n);
	le32_put(t->p + t->at + 20, (uint32_t)n);
	memcpy(t->p + t->n, p, n);
	t->at += 24;
	t->n += n;
}

static void
tables_are_opened(void **state)
{
	const struct pieces *p = pieces();
	struct table t = {.n = 24 * 6};
	struct endorse *e = bag();

	(void)state;
	entry(&t, google, "junk", 4);
	entry(&t, vcek, p->der[2], p->der_n[2]);
	entry(&t, ask, p->pem[1], strlen(p->pem[1]));
	entry(&t, crl, p->der[3], p->der_n[3]);
	entry(&t, ask, "", 0); /* the host has none */
	type_is(t.p, t.n, "vnd.cloister.amd-cert-table");
	adds(e, t.p, t.n, CL_OK, 2, 1, 0);
	/* As a device gives it: in whole pages. */
	adds(e, t.p, sizeof(t.p), CL_OK, 2, 1, 0);
	endorse_free(e);
}

static void
bad_tables_are_refused_whole(void **state)
{
	const struct pieces *p = pieces();
	struct table t = {.n = 24 * 4}, bad;
	struct endorse *e = bag();
	size_t i;

	(void)state;
	entry(&t, vcek, p->der[2], p->der_n[2]);
	entry(&t, ask, p->der[1], p->der_n[1]);
	for (i = 0; i < t.n; i++)
		adds(e, t.p, i, CL_ERR_FORMAT, 0, 0, 0);
	bad = t;
	le32_put(bad.p + 24 + 16, 0xffffffff); /* offset */
	adds(e, bad.p, bad.n, CL_ERR_FORMAT, 0, 0, 0);
	bad = t;
	le32_put(bad.p + 24 + 20, 0xffffffff); /* length */
	adds(e, bad.p, bad.n, CL_ERR_FORMAT, 0, 0, 0);
	bad = t;
	bad.p[24 * 2 + 20] = 1; /* an end with a length */
	adds(e, bad.p, bad.n, CL_ERR_FORMAT, 0, 0, 0);
	bad = t;
	bad.p[24 * 4] ^= 1; /* no certificate any more */
	adds(e, bad.p, bad.n, CL_ERR_FORMAT, 0, 0, 0);
	/* The table itself as its payload: no end, and no recursion. */
	bad = t;
	le32_put(bad.p + 16, 0);
	le32_put(bad.p + 20, (uint32_t)bad.n);
	adds(e, bad.p, bad.n, CL_ERR_FORMAT, 0, 0, 0);
	adds(e, t.p, t.n, CL_OK, 2, 0, 0);
	endorse_free(e);
}

/* ARK and ASK exchanged, a leaf as ASK, a list as VCEK, and so on. */
static void
guids_promise_what_follows(void **state)
{
	static const uint8_t *const guids[] = {ark, ask, vcek, crl};
	const struct pieces *p = pieces();
	struct endorse *e;
	struct table t;
	unsigned g, i;

	(void)state;
	for (g = 0; g < 4; g++)
		for (i = 0; i < 4; i++) {
			memset(&t, 0, sizeof(t));
			t.n = 48;
			entry(&t, guids[g], p->der[i], p->der_n[i]);
			e = bag();
			adds(e, t.p, t.n, g == i ? CL_OK : CL_ERR_FORMAT,
			    g == i && i < 3, g == i && i == 3, 0);
			endorse_free(e);
		}
}

static void
endless_tables_are_refused(void **state)
{
	struct table t = {.n = 24 * 100};
	struct endorse *e = bag();
	unsigned i;

	(void)state;
	for (i = 0; i < 100; i++)
		entry(&t, i ? google : vcek, "", 0);
	adds(e, t.p, t.n, CL_ERR_LIMIT, 0, 0, 0);
	endorse_free(e);
}

/* ---- limits and folders -------------------------------------------------- */

/* The i-th of as many different certificates as one likes. */
static void
other_cert(unsigned i, uint8_t **der, size_t *n)
{
	struct fake_cert how = {0};
	X509 *cert =
	    fake_amd_cert(&how, "x", "x", (long)i + 1, fake_amd_key(FAKE_VEK));

	fake_amd_sign(cert, &how, fake_amd_key(FAKE_ASK));
	*der = NULL;
	*n = (size_t)i2d_X509(cert, der);
	X509_free(cert);
}

static void
a_bag_holds_only_so_much(void **state)
{
	const struct pieces *p = pieces();
	struct endorse *e = bag();
	char text[16384], doc[64];
	uint8_t *der, *large;
	unsigned i;
	size_t n;

	(void)state;
	for (i = 0; i < ENDORSE_CERTS_MAX - 1; i++) {
		other_cert(i, &der, &n);
		adds(e, der, n, CL_OK, i + 1, 0, 0);
		OPENSSL_free(der);
	}
	/* Two where there is place for one: neither stays. */
	i = (unsigned)snprintf(
	    text, sizeof(text), "%s%s", p->pem[0], p->pem[1]);
	adds(e, text, i, CL_ERR_LIMIT, ENDORSE_CERTS_MAX - 1, 0, 0);
	adds(e, p->der[0], p->der_n[0], CL_OK, ENDORSE_CERTS_MAX, 0, 0);
	adds(e, p->der[1], p->der_n[1], CL_ERR_LIMIT, ENDORSE_CERTS_MAX, 0, 0);
	for (i = 0; i <= ENDORSE_DOCS_MAX; i++) {
		n = (size_t)snprintf(doc, sizeof(doc), "{\"tcbInfo\":%u}", i);
		assert_int_equal(endorse_add(e, (uint8_t *)doc, n),
		    i < ENDORSE_DOCS_MAX ? CL_OK : CL_ERR_LIMIT);
	}
	large = calloc(1, ENDORSE_BLOB_MAX + 1);
	assert_int_equal(
	    endorse_add(e, large, ENDORSE_BLOB_MAX + 1), CL_ERR_TOO_LARGE);
	free(large);
	endorse_free(e);
	endorse_free(NULL);
}

static void
put(const struct scratch *s, const char *name, const void *p, size_t n)
{
	assert_int_equal(file_write_new(s->fd, name, p, n, 0600), CL_OK);
}

/* A folder with a certificate, a file that is too large, one too deep; and a
 * way around, which is not taken. */
static void
put_folder(const struct scratch *s)
{
	char path[128] = "folder";
	uint8_t *der;
	unsigned i;
	size_t n;
	int fd;

	assert_int_equal(mkdirat(s->fd, "folder", 0700), 0);
	other_cert(7, &der, &n);
	put(s, "folder/der", der, n);
	OPENSSL_free(der);
	assert_int_equal(symlinkat("..", s->fd, "folder/again"), 0);
	fd = openat(s->fd, "folder/huge", O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)ENDORSE_BLOB_MAX + 1), 0);
	close(fd);
	for (i = 0; i < ENDORSE_DEPTH_MAX - 1; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdirat(s->fd, path, 0700), 0);
	}
}

static void
folders_are_read_by_content(void **state)
{
	struct scratch *s = *state;
	const struct pieces *p = pieces();
	struct endorse *e = bag();
	unsigned skipped = 99;

	put(s, "a.txt", p->der[0], p->der_n[0]);
	put(s, "chain", p->pem[1], strlen(p->pem[1]));
	put(s, "vcek.json", p->der[2], p->der_n[2]);
	put(s, "crl", p->pem[3], strlen(p->pem[3]));
	put(s, "readme", "hello\n", 6);
	put(s, "empty", "", 0);
	put_folder(s);
	assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
	assert_int_equal(symlinkat("nowhere", s->fd, "dangling"), 0);
	assert_int_equal(symlinkat("a.txt", s->fd, "link"), 0);
	assert_int_equal(endorse_add_path(e, s->path, &skipped), CL_OK);
	assert_int_equal(e->ncerts, 4);
	assert_int_equal(e->ncrls, 1);
	assert_int_equal(skipped, 4);
	endorse_free(e);
}

static void
folders_that_are_none_are_refused(void **state)
{
	struct scratch *s = *state;
	struct endorse *e = bag();
	char path[128];
	unsigned skipped;

	snprintf(path, sizeof(path), "%s/none", s->path);
	assert_int_equal(endorse_add_path(e, path, &skipped), CL_ERR_NOT_FOUND);
	/* One file that is named must be what it should. */
	put(s, "none", "x", 1);
	assert_int_equal(endorse_add_path(e, path, &skipped), CL_ERR_FORMAT);
	snprintf(path, sizeof(path), "%s/fifo", s->path);
	assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
	assert_int_equal(endorse_add_path(e, path, &skipped), CL_ERR_IO);
	endorse_free(e);
}

static void
vendors_own_files_are_known(void **state)
{
	static const struct {
		const char *file;
		unsigned certs, crls, docs;
	} files[] = {{"snp/roots/milan_ask_ark_asvk.pem", 3, 0, 0},
	    {"snp/roots/milan.crl.der", 0, 1, 0},
	    {"snp/virtee-vcek-milan.der", 1, 0, 0},
	    {"snp/virtee-report-milan.bin", 0, 0, 0},
	    {"tdx/gotdx/pckcrl_issuer_chain.pem", 2, 0, 0},
	    {"tdx/gotdx/pckcrl.der", 0, 1, 0},
	    {"tdx/uptodate/tcbInfo.json", 0, 0, 1},
	    {"tdx/uptodate/enclaveIdentity.json", 0, 0, 1},
	    {"csv/hrk.cert", 0, 0, 1}, {"csv/hsk.cert", 0, 0, 1},
	    {"csv/cek.cert", 0, 0, 1}, {"csv/hsk_cek.cert", 0, 0, 1},
	    {"csv/report.cert", 0, 0, 0},
	    {"vtpm/az-snp-vtpm/vcek.pem", 3, 0, 0},
	    {"vtpm/azure-cvm-tooling/certs.pem", 3, 0, 0}};
	struct endorse *e;
	unsigned i, any;
	uint8_t *p;
	size_t n;

	(void)state;
	shared_need();
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		p = shared_read(files[i].file, &n);
		e = bag();
		any = files[i].certs + files[i].crls + files[i].docs;
		adds(e, p, n, any ? CL_OK : CL_ERR_FORMAT, files[i].certs,
		    files[i].crls, files[i].docs);
		endorse_free(e);
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(der_and_pem_are_known),
	    cmocka_unit_test(chains_may_have_text_between),
	    cmocka_unit_test(carriage_returns_are_fine),
	    cmocka_unit_test(pem_is_read_strictly),
	    cmocka_unit_test(pieces_of_anything_are_refused),
	    cmocka_unit_test(documents_are_kept_as_they_came),
	    cmocka_unit_test(hygons_are_told_by_length_and_usage),
	    cmocka_unit_test(glances_tell_media_types),
	    cmocka_unit_test(tables_are_opened),
	    cmocka_unit_test(bad_tables_are_refused_whole),
	    cmocka_unit_test(guids_promise_what_follows),
	    cmocka_unit_test(endless_tables_are_refused),
	    cmocka_unit_test(a_bag_holds_only_so_much),
	    scratch_test(folders_are_read_by_content),
	    scratch_test(folders_that_are_none_are_refused),
	    cmocka_unit_test(vendors_own_files_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
