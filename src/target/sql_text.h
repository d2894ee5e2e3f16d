/*
 * target/sql_text.h - pieces of SQL text that several files of this folder
 * write. Names reach SQL through sql_ident() and sql_table() alone.
 */
#ifndef TARGET_SQL_TEXT_H
#define TARGET_SQL_TEXT_H

#include "base/buf.h"
#include "core/catalog.h"
#include "target/target.h"

/* An array in PostgreSQL's text form, for one $n; NULL items become NULL. */
const char *sql_array(struct arena *a, const char *const *items, size_t n);
/* As for text, of integers. */
const char *sql_int_array(struct arena *a, const int64_t *items, size_t n);

/* A quote for the body of a function: names in it may hold any text, so also
 * one that looks like the end of a dollar quote. NULL without memory. */
const char *sql_dollar_tag(struct arena *a, const char *body);

/* The type to cast a text parameter to, so that it compares with a column by
 * an index; NULL: compare as text. From a table of ours, never from the
 * catalogue's text. */
const char *sql_type(enum column_type type);

/* alias."column", as text where JSON has no better form for its type. */
void sql_value(struct arena *a, struct buf *out, const char *alias,
               const struct column *column);
/* One jsonb object of the columns, in order. A function takes 100 arguments
 * at most, so that many columns are several objects joined by ||. */
void sql_object(struct arena *a, struct buf *out, const char *alias,
                const struct column *const *columns, size_t n);
/* The row's key as text: one column as it prints, several as JSON array. */
void sql_key(struct arena *a, struct buf *out, const char *alias,
             const char *const *key, size_t n);

#endif
