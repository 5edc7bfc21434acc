/*
 * The signed definition of a DEK group: one JSON text. Its bytes are what the
 * owner signs (domain "cloister group v1") and what the wrapped group root is
 * bound to as associated data (SHA-256 of the text), so nothing in it can be
 * changed by the database.
 *
 * {"epoch":1,"flows_to":["uuid",…],"group":"uuid","name":"payroll",
 *  "ops":["eq","cmp",…],"pad":0,"suite":"aes-256-gcm","tenant":"uuid","v":1,
 *  "version":1}
 */
#ifndef CLOISTER_POLICY_GROUP_DEF_H
#define CLOISTER_POLICY_GROUP_DEF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"
#include "policy/identity.h"

#define GROUP_NAME_MAX	63u
#define GROUP_FLOWS_MAX 32u
#define GROUP_TEXT_MAX	8192u
#define GROUP_PAD_MAX	4096u

struct group_def {
	uint8_t uuid[16];
	uint8_t tenant[16];
	char name[GROUP_NAME_MAX + 1]; /* letters, digits, _, -; not a number */
	uint8_t suite;		       /* enum cell_suite */
	uint16_t epoch;		       /* for new cells, from 1 */
	uint32_t version;	       /* of this definition, from 1 */
	uint32_t pad;
	uint32_t ops; /* enum group_op bits (tde/eval.h) */
	uint32_t nflows;
	uint8_t flows[GROUP_FLOWS_MAX][16];
};

/* Strict: unknown members are refused. CL_ERR_FORMAT, _VERSION, _UNSUPPORTED;
 * json_why() names the member. */
CL_MUST_CHECK int group_def_parse(
    const char *text, size_t n, struct group_def *def);
/* secmem text; free with secmem_free. */
CL_MUST_CHECK int group_def_print(
    const struct group_def *def, char **text, size_t *n);
/* First 31 bits of SHA-256("cloister group tag v1\0" ‖ uuid), never 0. */
CL_MUST_CHECK int group_def_tag(const uint8_t uuid[16], uint32_t *tag);
/* "eq,cmp,arith" to bits and back; "all" and "default" (eq,cmp) are known. */
CL_MUST_CHECK int group_ops_parse(const char *text, uint32_t *ops);
/* out: at least 64 bytes. */
void group_ops_print(uint32_t ops, char out[64]);

/* The owner's side: definition text, signature, wrapped root (61 bytes). */
CL_MUST_CHECK int group_def_sign(const struct identity *owner, const char *text,
    size_t n, uint8_t *sig, size_t *sig_n);
CL_MUST_CHECK int group_def_wrap(const uint8_t tenant_key[32], const char *text,
    size_t n, const uint8_t root[32], uint8_t wrapped[CRYPTO_WRAP(32)]);
/* The engine's side: verifies the signature, parses, unwraps. */
CL_MUST_CHECK int group_def_open(const struct identity *owner,
    const uint8_t tenant_key[32], const char *text, size_t n,
    const uint8_t *sig, size_t sig_n, const uint8_t *wrapped, size_t wrapped_n,
    struct group_def *def, uint8_t root[32]);

#endif
