#include <string.h>

#include "client/verify_html.h"
#include "client/verify_html_chain.h"

#define NODES_MAX 6u
#define CLAIMS	  10u /* patterns of a node */

/* One link. claims: rows that judge it; "chain*" is all that begin so. */
struct node {
	const char *name, *what;
	const char *verb; /* what it does to the next */
	const char *claims[CLAIMS];
	bool rest; /* and the rows of no other link */
};

struct chain {
	const char *tee;
	const char *sign; /* a row begins so; of several chains of a TEE */
	struct node nodes[NODES_MAX];
};

#define ABOUT                                                                  \
	{                                                                      \
		"nonce", "claims*", "report_data", "binary", "config",         \
		    "memory", "posture.*", "age", "expires", "software"        \
	}
#define QUOTE                                                                  \
	{                                                                      \
		"tpm.*", "ak.*", "pcr*", "clock.safe", "reset_count",          \
		    "restart_count", "firmware_version"                        \
	}
/* The last link of all. */
#define BOUND                                                                  \
	{                                                                      \
		"Channel key", "claims of the software", NULL, ABOUT, false    \
	}
#define AMD                                                                    \
	{"Vendor root", "AMD ARK", "signs", {"chain", "chain.*"}, false},      \
	    {"Intermediate", "AMD ASK or ASVK", "signs", {"chain", "chain.*"}, \
		false},                                                        \
	{                                                                      \
		"Chip key", "VCEK or VLEK", "signs", {"vek", "vek.*", "vcek"}, \
		    false                                                      \
	}
#define INTEL                                                                  \
	{"Vendor root", "Intel SGX Root CA", "signs",                          \
	    {"tdx.certificates", "tdx.pck.chain"}, false},                     \
	    {"Intermediate", "PCK CA", "signs",                                \
		{"tdx.pck.chain", "tdx.crl.root"}, false},                     \
	    {"Chip key", "PCK certificate", "signs",                           \
		{"tdx.pck.*", "tdx.crl.pck"}, false},                          \
	{                                                                      \
		"Quoting Enclave", "attestation key", "signs",                 \
		    {"tdx.qe.*", "tdx.qe_identity*"}, false                    \
	}

/* clang-format off */
static const struct chain chains[] = {
    {"snp", "", {AMD,
	{"Report", "SEV-SNP report", "binds", {"report.*"}, true}, BOUND}},
    {"tdx", "", {INTEL,
	{"Report", "TD quote", "binds", {"tdx.signature"}, true}, BOUND}},
    {"csv", "", {
	{"Vendor root", "Hygon HRK", "signs", {"chain.root", "chain.hrk"},
	    false},
	{"Intermediate", "HSK", "signs", {"chain.hsk"}, false},
	{"Chip key", "CEK and PEK", "signs",
	    {"chain.cek", "cek", "pek*", "chain.pek*", "report.pek", "serial"},
	    false},
	{"Report", "CSV report", "binds", {"report.*"}, true}, BOUND}},
    {"tpm", "vek", {AMD,
	{"Report", "SEV-SNP report", "endorses", {"report.*"}, true},
	{"TPM quote", "signed by its AK", "binds", QUOTE, false}, BOUND}},
    {"tpm", "tdx.", {
	{"Vendor root", "Intel SGX Root CA", "signs",
	    {"tdx.certificates", "tdx.pck.chain"}, false},
	{"Chip key", "PCK certificate", "signs", {"tdx.pck.*", "tdx.crl.*"},
	    false},
	{"Quoting Enclave", "attestation key", "signs",
	    {"tdx.qe.*", "tdx.qe_identity*"}, false},
	{"Report", "TD quote", "endorses", {"tdx.signature"}, true},
	{"TPM quote", "signed by its AK", "binds", QUOTE, false}, BOUND}},
    {"tpm", "", {
	{"Pinned key", "AK of the policy", "signs", {"ak.*"}, false},
	{"Report", "TPM quote", "binds", {"tpm.*"}, true}, BOUND}},
    {"sim", "", {
	{"Development root", "sim_root: no hardware", "signs", {"signature"},
	    false},
	{"Report", "simulated report", "binds", {"measurement"}, true},
	BOUND}},
};
/* clang-format on */

/* Hangs below the link before the last, whose registers it explains. */
static const struct node event_log = {"Event log", "what was measured",
    "explains", {"eventlog", "eventlog.*"}, false};

static bool
matches(const char *pattern, const char *claim)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '*')
		return strncmp(pattern, claim, n - 1) == 0;
	return strcmp(pattern, claim) == 0;
}

static bool
names(const struct node *node, const char *claim)
{
	unsigned i;

	for (i = 0; i < CLAIMS && node->claims[i]; i++)
		if (matches(node->claims[i], claim))
			return true;
	return false;
}

static unsigned
count(const struct chain *c)
{
	unsigned n = 0;

	while (n < NODES_MAX && c->nodes[n].name)
		n++;
	return n;
}

static bool
belongs(const struct chain *c, const struct node *node, const char *claim)
{
	unsigned i;

	if (names(node, claim))
		return true;
	if (names(&event_log, claim))
		return false;
	for (i = 0; node->rest && i < count(c); i++)
		if (names(&c->nodes[i], claim))
			return false;
	return node->rest;
}

static bool
has_row(const struct appraise_result *r, const char *prefix)
{
	unsigned i;

	for (i = 0; i < r->nrows; i++)
		if (strncmp(r->rows[i].claim, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

static const struct chain *
find(const struct appraise_result *r, const char *tee)
{
	size_t i;

	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (strcmp(chains[i].tee, tee) == 0 &&
		    has_row(r, chains[i].sign))
			return &chains[i];
	return NULL;
}

#define LEFT   14u
#define TOP    8u
#define WIDTH  156u
#define HEIGHT 92u
#define GAP    62u
#define DROP   44u /* from the chain down to the event log */

struct state {
	unsigned all, refused;
	bool skipped; /* there was nothing to compare with */
};

static struct state
judge(const struct appraise_result *r, const struct chain *c,
    const struct node *node)
{
	struct state s = {0};
	unsigned i;

	for (i = 0; i < r->nrows; i++) {
		if (!belongs(c, node, r->rows[i].claim))
			continue;
		s.all++;
		s.refused += !r->rows[i].ok;
		s.skipped |= strcmp(r->rows[i].came, "not compared") == 0 ||
			     strncmp(r->rows[i].came, "not used", 8) == 0;
	}
	return s;
}

static void
text(FILE *f, unsigned x, unsigned y, const char *class, const char *s)
{
	fprintf(f, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	verify_html_escape(f, s);
	fputs("</text>\n", f);
}

/* Not by colour alone: a sign and a count say it, too. */
static const char *
state_text(const struct state *s, char out[48])
{
	if (s->refused)
		(void)snprintf(out, 48, "\xe2\x9c\x97 %u of %u refused",
		    s->refused, s->all);
	else if (s->skipped)
		(void)snprintf(out, 48, "not compared");
	else if (s->all)
		(void)snprintf(out, 48, "\xe2\x9c\x93 %u check%s", s->all,
		    s->all == 1 ? "" : "s");
	else
		(void)snprintf(out, 48, "not reached");
	return out;
}

static void
draw(FILE *f, const struct node *node, const struct state *s, unsigned x,
    unsigned y)
{
	const char *class = "none";
	char line[48];

	if (s->refused)
		class = "bad";
	else if (s->all && !s->skipped)
		class = "good";
	fprintf(f,
	    "<g class=\"%s\"><rect x=\"%u\" y=\"%u\" width=\"%u\" "
	    "height=\"%u\" rx=\"8\"/>\n",
	    class, x, y, WIDTH, HEIGHT);
	text(f, x + 12, y + 24, "name", node->name);
	text(f, x + 12, y + 43, "dim", node->what);
	text(f, x + 12, y + 74, "state", state_text(s, line));
	fputs("</g>\n", f);
}

static void
arrow(FILE *f, const char *verb, unsigned x)
{
	unsigned y = TOP + HEIGHT / 2;

	fprintf(f,
	    "<path d=\"M%u %uH%um-7 -5l7 5l-7 5\"/>\n<text x=\"%u\" "
	    "y=\"%u\" class=\"dim\" text-anchor=\"middle\">%s</text>\n",
	    x + 4, y, x + GAP - 4, x + GAP / 2, y - 10, verb);
}

/* From below, up to a link at x. */
static void
arrow_up(FILE *f, const char *verb, unsigned x)
{
	unsigned middle = x + WIDTH / 2, y = TOP + HEIGHT;

	fprintf(f,
	    "<path d=\"M%u %uV%um-5 7l5 -7l5 7\"/>\n<text x=\"%u\" "
	    "y=\"%u\" class=\"dim\">%s</text>\n",
	    middle, y + DROP - 4, y + 4, middle + 12, y + DROP / 2 + 4, verb);
}

/* That none came is no link. */
static bool
has_log(const struct appraise_result *r)
{
	const struct appraise_row *row;
	unsigned i;

	for (i = 0; i < r->nrows; i++) {
		row = &r->rows[i];
		if (names(&event_log, row->claim) &&
		    !(row->ok && strcmp(row->came, "none") == 0))
			return true;
	}
	return false;
}

/* x: of the link whose registers it explains; the next is what it names. */
static void
draw_log(
    FILE *f, const struct appraise_result *r, const struct chain *c, unsigned x)
{
	struct state s = judge(r, c, &event_log);

	draw(f, &event_log, &s, x, TOP + HEIGHT + DROP);
	arrow_up(f, event_log.verb, x);
	if (has_row(r, "eventlog.agent"))
		fprintf(f,
		    "<path d=\"M%u %uH%uV%um-5 7l5 -7l5 7\"/>\n<text x=\"%u\" "
		    "y=\"%u\" class=\"dim\">names</text>\n",
		    x + WIDTH + 4, TOP + HEIGHT + DROP + HEIGHT / 2,
		    x + WIDTH + GAP + WIDTH / 2, TOP + HEIGHT + 4,
		    x + WIDTH + 12, TOP + HEIGHT + DROP + HEIGHT / 2 - 10);
}

static void
draw_link(FILE *f, const struct appraise_result *r, const struct chain *c,
    unsigned i, bool enveloped)
{
	unsigned x = LEFT + i * (WIDTH + GAP);
	struct node node = c->nodes[i];
	struct state s = judge(r, c, &c->nodes[i]);

	if (i == count(c) - 1 && !enveloped) {
		node.name = "Report data";
		node.what = "what it is about";
	}
	draw(f, &node, &s, x, TOP);
	if (i < count(c) - 1)
		arrow(f, node.verb, x + WIDTH);
}

void
verify_html_chain(FILE *f, const struct appraise_result *result,
    const char *tee, bool enveloped)
{
	const struct chain *c = find(result, tee);
	unsigned i, n = c ? count(c) : 0;
	bool log = has_log(result);

	if (!c)
		return;
	fprintf(f,
	    "<section>\n<h2>Chain of trust</h2>\n<div class=\"wide\">\n"
	    "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"Chain of "
	    "trust from the root to what the evidence is about\">\n",
	    2 * LEFT + n * WIDTH + (n - 1) * GAP,
	    HEIGHT + 2 * TOP + (log ? HEIGHT + DROP : 0));
	for (i = 0; i < n; i++)
		draw_link(f, result, c, i, enveloped);
	if (log)
		draw_log(f, result, c, LEFT + (n - 2) * (WIDTH + GAP));
	fputs("</svg>\n</div>\n</section>\n", f);
}
