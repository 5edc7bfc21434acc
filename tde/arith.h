/* + - * / % and unary minus with PostgreSQL 15's types, results and errors. */
#ifndef CLOISTER_TDE_ARITH_H
#define CLOISTER_TDE_ARITH_H

#include "tde/eval_ops.h"
#include "tde/val.h"

/* Type of the result of op (EV_ADD..EV_NEG; b is ignored for EV_NEG), 0 when
 * there is no such operator. */
uint8_t arith_type(uint8_t op, uint8_t a, uint8_t b);
/* type is what arith_type said; no operand is NULL (b is not looked at for
 * EV_NEG). out may be a or b. CL_ERR_OVERFLOW, _DIVISION, _DATETIME. */
CL_MUST_CHECK int arith_run(uint8_t op, uint8_t type, const struct val *a,
    const struct val *b, struct val *out);

/* Sum of two floats of one type; CL_ERR_OVERFLOW as PostgreSQL has it. */
CL_MUST_CHECK int arith_add_float(bool single, double a, double b, double *sum);
/* CL_ERR_OVERFLOW unless v fits the integer type. */
CL_MUST_CHECK int arith_fits(uint8_t type, int64_t v);

#endif
