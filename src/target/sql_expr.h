/*
 * target/sql_expr.h - what sql_expr.c and sql_literal.c share.
 */
#ifndef TARGET_SQL_EXPR_H
#define TARGET_SQL_EXPR_H

#include "target/sql_model.h"

struct sql_printer {
    struct sql_model *m;
    struct buf *out;
    int depth;
    bool beyond; /* something this file does not print */
};

/* NULL stands for a text there was no memory for. */
void sql_put(struct sql_printer *p, const char *text);
/* The node A_Const; a literal in quotes becomes one of type `want` (NULL =
 * text), as get_const_expr() writes it. */
void sql_put_const(struct sql_printer *p, const struct json *c,
                   const struct sql_type *want);

#endif
