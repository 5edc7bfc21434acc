/* client/groups, cells: definitions that were changed, renamed, mixed up or
 * rolled back are refused; cells open with their own group only. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "client/cells.h"
#include "client/encrypt.h"
#include "client/groups.h"
#include "client/why.h"
#include "lib/file.h"
#include "lib/secmem.h"
#include "tde/eval.h"

struct place {
	struct scratch *scratch;
	const char *dir;
	char home[80];
	struct owner *owner;
};

static void
run(const char *format, const char *a, const char *b)
{
	char command[400];

	snprintf(command, sizeof(command), format, a, b);
	assert_int_equal(system(command), 0);
}

static struct owner *
new_owner(const char *home)
{
	struct owner_new n = {.home = home, .kind = IDENTITY_P256};
	struct owner *o = NULL;
	char *path = NULL;

	assert_int_equal(owner_create(&n, &path), 0);
	free(path);
	assert_int_equal(owner_open(home, &o), 0);
	assert_int_equal(owner_unlock(o, NULL), 0);
	return o;
}

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	(void)scratch_make((void **)&p->scratch);
	p->dir = p->scratch->path;
	snprintf(p->home, sizeof(p->home), "%s/home", p->dir);
	p->owner = new_owner(p->home);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	owner_close(p->owner);
	(void)scratch_remove((void **)&p->scratch);
	free(p);
	return 0;
}

static struct group *
create(struct owner *o, const char *name, const char *suite, uint32_t pad)
{
	struct groups_wish w = {.name = name, .suite = suite, .pad = pad};
	struct group *g = NULL;

	assert_int_equal(groups_create(o, &w, &g), 0);
	assert_non_null(g);
	return g;
}

static int
try_create(struct owner *o, const struct groups_wish *w)
{
	struct group *g = (struct group *)1;
	int r = groups_create(o, w, &g);

	assert_true((r == 0) == (g != NULL));
	groups_close(g);
	return r;
}

static void
wrong_wishes_are_refused(void **state)
{
	static const char *const names[] = {"", "12", "a/b", "../x", ".", "a b",
	    "a.json", "-x", "\xc3\xa4",
	    "x123456789012345678901234567890123456789012345678901234567890123"};
	struct place *p = *state;
	struct groups_wish w = {.name = "good"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		w.name = names[i];
		assert_int_equal(try_create(p->owner, &w), CL_ERR_ARGUMENT);
		assert_non_null(strstr(why_text(), "group name: expected"));
	}
	w.name = "good";
	w.suite = "des";
	assert_int_equal(try_create(p->owner, &w), CL_ERR_UNSUPPORTED);
	w.suite = "aes-256-ecb";
	assert_int_equal(try_create(p->owner, &w), CL_ERR_UNSUPPORTED);
	w.suite = "rot13";
	assert_int_equal(try_create(p->owner, &w), CL_ERR_UNSUPPORTED);
	assert_non_null(strstr(why_text(), "expected aes-256-gcm"));
	w.suite = NULL;
	w.ops = "eq,everything";
	assert_int_equal(try_create(p->owner, &w), CL_ERR_ARGUMENT);
	w.ops = NULL;
	w.flows_to = "nobody";
	assert_int_equal(try_create(p->owner, &w), CL_ERR_NOT_FOUND);
	w.flows_to = NULL;
	w.pad = GROUP_PAD_MAX + 1;
	assert_int_equal(try_create(p->owner, &w), CL_ERR_ARGUMENT);
	w.pad = GROUP_PAD_MAX;
	assert_int_equal(try_create(p->owner, &w), 0);
	assert_int_equal(try_create(p->owner, &w), CL_ERR_EXISTS);
}

static void
what_was_created_is_read_back(void **state)
{
	struct place *p = *state;
	struct groups_wish w = {.name = "b",
	    .ops = "eq,like",
	    .suite = "aes-256-siv",
	    .flows_to = "a,",
	    .pad = 7};
	struct group *a = create(p->owner, "a", NULL, 0), *b, *c;
	struct groups gs;

	assert_int_equal(groups_create(p->owner, &w, &b), 0);
	assert_int_equal(groups_open(p->owner, "b", &c), 0);
	assert_memory_equal(&b->def, &c->def, sizeof(b->def));
	assert_int_equal(c->def.ops, GROUP_EQ | GROUP_LIKE);
	assert_int_equal(c->def.suite, SUITE_AES256_SIV);
	assert_int_equal(c->def.pad, 7);
	assert_int_equal(c->def.nflows, 1);
	assert_memory_equal(c->def.flows[0], a->def.uuid, 16);
	assert_int_equal(a->def.ops, GROUP_EQ | GROUP_CMP);
	assert_int_not_equal(a->tag, b->tag);
	assert_int_equal(groups_load(p->owner, NULL, &gs), 0);
	assert_int_equal(gs.n, 2);
	assert_string_equal(gs.v[0]->def.name, "a");
	assert_int_equal(groups_by_tag(&gs, b->tag)->tag, b->tag);
	assert_null(groups_by_tag(&gs, a->tag ^ b->tag ^ 1));
	groups_clear(&gs);
	groups_close(a);
	groups_close(b);
	groups_close(c);
}

/* Each byte of the file in turn. JSON leaves nothing that may change: spaces
 * there are none, and names, versions and texts are all checked. */
static void
a_changed_file_never_opens(void **state)
{
	struct place *p = *state;
	char path[160];
	struct group *g = create(p->owner, "g", NULL, 0);
	uint8_t *text, was;
	size_t n, i;

	groups_close(g);
	snprintf(path, sizeof(path), "%s/groups/g.json", p->home);
	assert_int_equal(file_read(AT_FDCWD, path, 8192, &text, &n), 0);
	for (i = 0; i < n; i++) {
		was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(
		    file_write_atomic(AT_FDCWD, path, text, n, 0600), 0);
		assert_int_not_equal(groups_open(p->owner, "g", &g), 0);
		assert_null(g);
		text[i] = was;
	}
	assert_int_equal(file_write_atomic(AT_FDCWD, path, text, n, 0600), 0);
	assert_int_equal(groups_open(p->owner, "g", &g), 0);
	groups_close(g);
	secmem_free(text);
}

static void
files_do_not_change_places(void **state)
{
	struct place *p = *state;
	char other[160];
	struct owner *o;
	struct group *g;

	groups_close(create(p->owner, "g", NULL, 0));
	run("cp %s/groups/g.json %s/groups/h.json", p->home, p->home);
	assert_int_equal(groups_open(p->owner, "h", &g), CL_ERR_FORMAT);
	assert_non_null(strstr(why_text(), "must not be renamed"));

	snprintf(other, sizeof(other), "%s/other", p->dir);
	o = new_owner(other);
	run("cp %s/groups/g.json %s/groups/", p->home, other);
	assert_int_equal(groups_open(o, "g", &g), CL_ERR_SIGNATURE);
	assert_non_null(strstr(why_text(), "another owner"));
	assert_int_equal(groups_open(o, "nothing", &g), CL_ERR_NOT_FOUND);
	owner_close(o);
}

static unsigned damaged;

static void
count_damaged(void)
{
	assert_string_not_equal(why_text(), "");
	damaged++;
}

static void
one_damaged_file_does_not_hide_the_others(void **state)
{
	struct place *p = *state;
	struct groups gs;

	groups_close(create(p->owner, "good", NULL, 0));
	run("echo '{}' > %s/groups/bad.json%s", p->home, "");
	run("touch %s/groups/.hidden.json %s/groups/note.txt", p->home,
	    p->home);
	assert_int_not_equal(groups_load(p->owner, NULL, &gs), 0);
	assert_int_equal(gs.n, 0);
	damaged = 0;
	assert_int_equal(groups_load(p->owner, count_damaged, &gs), 0);
	assert_int_equal(damaged, 1);
	assert_int_equal(gs.n, 1);
	groups_clear(&gs);
}

static void
an_older_version_is_refused(void **state)
{
	struct place *p = *state;
	struct groups_wish w = {.name = "g", .ops = "all", .rotate = 1};
	struct group *g;

	groups_close(create(p->owner, "g", NULL, 0));
	run("cp %s/groups/g.json %s/old", p->home, p->dir);
	assert_int_equal(groups_alter(p->owner, &w, &g), 0);
	assert_int_equal(g->def.version, 2);
	assert_int_equal(g->def.epoch, 2);
	assert_int_equal(g->def.ops, GROUP_ALL);
	groups_close(g);
	w.name = "none";
	assert_int_equal(groups_alter(p->owner, &w, &g), CL_ERR_NOT_FOUND);
	run("cp %s/old %s/groups/g.json", p->dir, p->home);
	assert_int_equal(groups_open(p->owner, "g", &g), CL_ERR_ROLLBACK);
	assert_non_null(strstr(why_text(), "version 2 was signed already"));
}

/* ---- cells ---- */

static int
seal(struct group *g, uint8_t type, const char *value, struct text *out)
{
	struct cells c = {0};
	int r;

	text_reset(out);
	r = cells_encrypt(&c, g, type, value, strlen(value), out);
	cells_clear(&c);
	return r;
}

static int
open_cell(const struct groups *gs, const struct text *cell, struct text *out)
{
	struct cells c = {0};
	int r;

	text_reset(out);
	r = cells_decrypt(&c, gs, cell->p, cell->n, out);
	cells_clear(&c);
	if (r)
		assert_int_equal(out->n, 0);
	return r;
}

static void
every_type_comes_back(void **state)
{
	static const struct {
		const char *type, *in, *out;
	} rows[] = {
	    {"bool", "yes", "t"},
	    {"int2", "-32768", "-32768"},
	    {"int4", " 42 ", "42"},
	    {"int8", "9223372036854775807", "9223372036854775807"},
	    {"float4", "-0", "-0"},
	    {"float8", "NaN", "NaN"},
	    {"text", "", ""},
	    {"text", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    {"bytea", "\\x00ff", "\\x00ff"},
	    {"date", "2024-02-29", "2024-02-29"},
	    {"timestamp", "2024-02-29 12:34:56.7", "2024-02-29 12:34:56.7"},
	    {"timestamptz", "2024-01-01T00:00:00+02", "2023-12-31 22:00:00+00"},
	    {"uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
		"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	};
	struct place *p = *state;
	struct text cell = {0}, out = {0};
	struct groups gs;
	uint8_t type;
	size_t i, j;

	groups_close(create(p->owner, "random", NULL, 0));
	groups_close(create(p->owner, "padded", "aes-256-siv", 32));
	assert_int_equal(groups_load(p->owner, NULL, &gs), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (j = 0; j < gs.n; j++) {
			assert_int_equal(encrypt_type(rows[i].type, &type), 0);
			assert_int_equal(
			    seal(gs.v[j], type, rows[i].in, &cell), 0);
			assert_int_equal(open_cell(&gs, &cell, &out), 0);
			assert_string_equal(out.p, rows[i].out);
		}
	groups_clear(&gs);
	text_clear(&cell);
	text_clear(&out);
}

static void
wrong_values_are_refused_without_being_shown(void **state)
{
	static const struct {
		const char *type, *in;
	} rows[] = {
	    {"bool", "maybe-1234"},
	    {"int2", "1234567"},
	    {"int4", "12345x"},
	    {"int4", ""},
	    {"int8", "12345678901234567890"},
	    {"float8", "1234.5.6"},
	    {"date", "2023-02-29"},
	    {"timestamp", "12345-99-99 1234"},
	    {"text", "1234\xff"},
	    {"bytea", "\\x1234z"},
	    {"uuid", "12345"},
	};
	struct place *p = *state;
	struct group *g = create(p->owner, "g", NULL, 0);
	struct text cell = {0};
	uint8_t type;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(encrypt_type(rows[i].type, &type), 0);
		assert_int_not_equal(seal(g, type, rows[i].in, &cell), 0);
		assert_int_equal(cell.n, 0);
		assert_non_null(strstr(why_text(), rows[i].type));
		assert_null(strstr(why_text(), "1234"));
	}
	assert_int_equal(encrypt_type("money", &type), CL_ERR_ARGUMENT);
	assert_non_null(strstr(why_text(), "timestamptz"));
	groups_close(g);
	text_clear(&cell);
}

/* Every character of a cell's text, and every shorter text. */
static void
a_changed_cell_never_opens(void **state)
{
	struct place *p = *state;
	struct group *g = create(p->owner, "g", NULL, 0);
	struct text cell = {0}, out = {0};
	struct groups gs = {&g, 1}, none = {NULL, 0};
	size_t i, n;
	char was;

	assert_int_equal(seal(g, TYPE_TEXT, "attack at dawn", &cell), 0);
	for (i = 0; i < cell.n; i++) {
		was = cell.p[i];
		cell.p[i] = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(open_cell(&gs, &cell, &out), 0);
		cell.p[i] = was;
	}
	assert_int_equal(open_cell(&none, &cell, &out), CL_ERR_NOT_FOUND);
	assert_non_null(strstr(why_text(), "no key for group tag"));
	n = cell.n;
	for (cell.n = 0; cell.n < n; cell.n++)
		assert_int_not_equal(open_cell(&gs, &cell, &out), 0);
	assert_int_equal(open_cell(&gs, &cell, &out), 0);
	assert_string_equal(out.p, "attack at dawn");
	groups_close(g);
	text_clear(&cell);
	text_clear(&out);
}

static void
rotated_groups_read_old_cells(void **state)
{
	struct place *p = *state;
	struct groups_wish w = {.name = "g", .rotate = 1};
	struct group *old = create(p->owner, "g", NULL, 0), *new;
	struct text a = {0}, b = {0}, out = {0};
	struct groups gs;

	assert_int_equal(seal(old, TYPE_INT4, "1", &a), 0);
	assert_int_equal(groups_alter(p->owner, &w, &new), 0);
	assert_int_equal(seal(new, TYPE_INT4, "2", &b), 0);
	gs = (struct groups){&new, 1};
	assert_int_equal(open_cell(&gs, &a, &out), 0);
	assert_string_equal(out.p, "1");
	assert_int_equal(open_cell(&gs, &b, &out), 0);
	assert_string_equal(out.p, "2");
	groups_close(old);
	groups_close(new);
	text_clear(&a);
	text_clear(&b);
	text_clear(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(wrong_wishes_are_refused),
	    TEST(what_was_created_is_read_back),
	    TEST(a_changed_file_never_opens),
	    TEST(files_do_not_change_places),
	    TEST(one_damaged_file_does_not_hide_the_others),
	    TEST(an_older_version_is_refused),
	    TEST(every_type_comes_back),
	    TEST(wrong_values_are_refused_without_being_shown),
	    TEST(a_changed_cell_never_opens),
	    TEST(rotated_groups_read_old_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
