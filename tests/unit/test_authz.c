/* policy/authz: every operation bit, every kind of flow, foreign tenants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/authz.h"
#include "tde/cell_layout.h"

static const uint8_t tenant[16] = "tenant number 1";

/* Groups a, b, c ... of the tenant with the given operations. */
static struct group_def
group(char letter, uint32_t ops)
{
	struct group_def def = {
	    .suite = SUITE_AES256_GCM,
	    .epoch = 1,
	    .version = 1,
	    .ops = ops,
	};

	memset(def.uuid, letter, 16);
	memcpy(def.tenant, tenant, 16);
	def.name[0] = letter;
	return def;
}

static void
lists(struct group_def *from, const struct group_def *to)
{
	memcpy(from->flows[from->nflows++], to->uuid, 16);
}

struct program {
	struct eval_program prog;
	const struct group_def *defs[EVAL_MAX_GROUPS];
};

static void
uses(struct program *p, const struct group_def *def, uint32_t needs)
{
	unsigned i = p->prog.ngroups++;

	assert_int_equal(group_def_tag(def->uuid, &p->prog.tags[i]), CL_OK);
	p->prog.needs[i] = needs;
	p->defs[i] = def;
}

static void
each_operation_must_be_switched_on(void **state)
{
	char reason[AUTHZ_REASON], name[64];
	struct program p;
	struct group_def def;
	uint32_t need, ops;

	(void)state;
	for (need = 1; need <= GROUP_ALL; need <<= 1)
		for (ops = 0; ops <= GROUP_ALL; ops++) {
			def = group('a', ops);
			memset(&p, 0, sizeof(p));
			uses(&p, &def, need);
			if (ops & need) {
				assert_int_equal(authz_program(tenant, &p.prog,
						     p.defs, reason),
				    CL_OK);
				continue;
			}
			assert_int_equal(
			    authz_program(tenant, &p.prog, p.defs, reason),
			    CL_ERR_REFUSED);
			group_ops_print(need, name);
			assert_non_null(strstr(reason, name));
			assert_non_null(strstr(reason, "\"a\""));
			assert_int_equal(
			    authz_group(tenant, &def, need, reason),
			    CL_ERR_REFUSED);
		}
}

/* A bit that no operation has is refused, not ignored. */
static void
unknown_operations_are_refused(void **state)
{
	struct group_def def = group('a', GROUP_ALL);
	char reason[AUTHZ_REASON];

	(void)state;
	assert_int_equal(
	    authz_group(tenant, &def, GROUP_ALL + 1, reason), CL_ERR_REFUSED);
	assert_true(reason[0] != '\0');
}

static void
the_last_group_counts_too(void **state)
{
	struct group_def good = group('a', GROUP_ALL);
	struct group_def bad = group('b', GROUP_EQ);
	char reason[AUTHZ_REASON];
	struct program p = {0};
	unsigned i;

	(void)state;
	for (i = 0; i < EVAL_MAX_GROUPS - 1; i++)
		uses(&p, &good, GROUP_CMP);
	uses(&p, &bad, GROUP_CMP);
	assert_int_equal(
	    authz_program(tenant, &p.prog, p.defs, reason), CL_ERR_REFUSED);
	assert_non_null(strstr(reason, "\"b\""));
}

static void
another_tenants_group_is_refused(void **state)
{
	static const uint8_t other[16] = "tenant number 2";
	struct group_def mine = group('a', GROUP_ALL), theirs;
	char reason[AUTHZ_REASON];
	struct program p = {0};

	(void)state;
	theirs = group('b', GROUP_ALL);
	memcpy(theirs.tenant, other, 16);
	uses(&p, &mine, GROUP_EQ);
	uses(&p, &theirs, 0);
	assert_int_equal(authz_program(tenant, &p.prog, p.defs, reason),
	    CL_ERR_BAD_CELL_GROUP);
	assert_int_equal(
	    authz_group(tenant, &theirs, 0, reason), CL_ERR_BAD_CELL_GROUP);
	assert_false(authz_flow(&mine, &theirs));
	lists(&mine, &theirs);
	assert_false(authz_flow(&mine, &theirs));
}

/* Definitions in another order than the program's tags. */
static void
a_definition_under_a_foreign_tag_is_refused(void **state)
{
	struct group_def a = group('a', GROUP_ALL), b = group('b', GROUP_ALL);
	char reason[AUTHZ_REASON];
	struct program p = {0};

	(void)state;
	uses(&p, &a, GROUP_EQ);
	uses(&p, &b, GROUP_EQ);
	p.defs[0] = &b;
	p.defs[1] = &a;
	assert_int_equal(
	    authz_program(tenant, &p.prog, p.defs, reason), CL_ERR_INTERNAL);
}

static void
values_flow_where_less_is_allowed(void **state)
{
	uint32_t from_ops, to_ops;
	struct group_def from, to;

	(void)state;
	for (from_ops = 0; from_ops <= GROUP_ALL; from_ops += 5)
		for (to_ops = 0; to_ops <= GROUP_ALL; to_ops++) {
			from = group('a', from_ops);
			to = group('b', to_ops);
			assert_int_equal(
			    authz_flow(&from, &to), (to_ops & ~from_ops) == 0);
			lists(&from, &to);
			assert_true(authz_flow(&from, &to));
		}
}

/* The listing is the source's to make, not the target's. */
static void
the_target_cannot_invite(void **state)
{
	struct group_def from = group('a', GROUP_EQ);
	struct group_def to = group('b', GROUP_ALL);

	(void)state;
	lists(&to, &from);
	assert_false(authz_flow(&from, &to));
	assert_true(authz_flow(&to, &from));
}

/* a -> b needs no listing alone, but b leads on to c, where more is allowed. */
static void
a_detour_is_no_way_around(void **state)
{
	struct group_def a = group('a', GROUP_EQ | GROUP_CMP);
	struct group_def b = group('b', GROUP_EQ);
	struct group_def c = group('c', GROUP_ALL);

	(void)state;
	assert_true(authz_flow(&a, &b));
	lists(&b, &c);
	assert_false(authz_flow(&a, &c));
	assert_false(authz_flow(&a, &b));
	/* Back to where it came from is no detour. */
	b.nflows = 0;
	lists(&b, &a);
	lists(&b, &b);
	assert_true(authz_flow(&a, &b));
	/* And what a itself may reach, it may reach through b. */
	lists(&b, &c);
	lists(&a, &c);
	assert_true(authz_flow(&a, &b));
}

/* Stored cells of a deterministic group show equality to everybody. */
static void
deterministic_targets_must_be_listed(void **state)
{
	struct group_def a = group('a', GROUP_ALL), b = group('b', GROUP_EQ);

	(void)state;
	b.suite = SUITE_AES256_SIV;
	assert_false(authz_flow(&a, &b));
	assert_true(authz_flow(&b, &b));
	a.suite = SUITE_AES256_SIV;
	assert_true(authz_flow(&a, &b));
	b.suite = SUITE_AES256_GCM;
	assert_true(authz_flow(&a, &b));
}

static void
lengths_stay_hidden(void **state)
{
	static const struct {
		uint32_t from, to;
		int ok;
	} pads[] = {{0, 0, 1}, {1, 0, 1}, {0, 64, 1}, {64, 64, 1}, {64, 128, 1},
	    {64, 0, 0}, {64, 32, 0}, {64, 96, 0}};
	struct group_def a = group('a', GROUP_ALL), b = group('b', GROUP_EQ);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pads) / sizeof(pads[0]); i++) {
		a.pad = pads[i].from;
		b.pad = pads[i].to;
		assert_int_equal(authz_flow(&a, &b), pads[i].ok);
	}
}

static void
programs_flow_only_where_groups_do(void **state)
{
	struct group_def a = group('a', GROUP_EQ), b = group('b', GROUP_ALL);
	char reason[AUTHZ_REASON];
	struct program p = {0};

	(void)state;
	uses(&p, &a, 0);
	uses(&p, &b, 0);
	p.prog.flows[1] = 1 << 0; /* b into a: less is allowed there */
	assert_int_equal(authz_program(tenant, &p.prog, p.defs, reason), CL_OK);
	p.prog.flows[0] = 1 << 1; /* a into b */
	assert_int_equal(authz_program(tenant, &p.prog, p.defs, reason),
	    CL_ERR_FLOW_REFUSED);
	assert_string_equal(
	    reason, "a value of group \"a\" may not flow into group \"b\"");
	lists(&a, &b);
	assert_int_equal(authz_program(tenant, &p.prog, p.defs, reason), CL_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_operation_must_be_switched_on),
	    cmocka_unit_test(unknown_operations_are_refused),
	    cmocka_unit_test(the_last_group_counts_too),
	    cmocka_unit_test(another_tenants_group_is_refused),
	    cmocka_unit_test(a_definition_under_a_foreign_tag_is_refused),
	    cmocka_unit_test(values_flow_where_less_is_allowed),
	    cmocka_unit_test(the_target_cannot_invite),
	    cmocka_unit_test(a_detour_is_no_way_around),
	    cmocka_unit_test(deterministic_targets_must_be_listed),
	    cmocka_unit_test(lengths_stay_hidden),
	    cmocka_unit_test(programs_flow_only_where_groups_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
