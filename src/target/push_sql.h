/*
 * target/push_sql.h - conditions of core/pushdown.h as SQL in the body of a
 * trigger function.
 */
#ifndef TARGET_PUSH_SQL_H
#define TARGET_PUSH_SQL_H

#include "core/pushdown.h"
#include "target/sql_text.h"

/* Writes an expression that is true or false, never NULL. `row` and `old` are
 * what the body calls the row and the one before an update. */
void push_sql(struct arena *a, struct buf *out, const struct push *p,
              const char *row, const char *old);
/* "new.c is distinct from old.c" for a column of any type. */
void push_changed_sql(struct arena *a, struct buf *out,
                      const struct column *column);
/* The alternatives, OR-ed and each once; at least one. */
void push_any_sql(struct arena *a, struct buf *out, const struct push *list,
                  size_t n, const char *row, const char *old);

#endif
