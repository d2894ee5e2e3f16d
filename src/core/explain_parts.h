/*
 * core/explain_parts.h - what the files that print explanations share. Not
 * for others.
 */
#ifndef CORE_EXPLAIN_PARTS_H
#define CORE_EXPLAIN_PARTS_H

#include "core/explain.h"

struct printing {
    struct buf *out;
    bool color;
};

/* An ANSI code, or nothing. */
const char *paint(const struct printing *p, const char *code);
/* Gates, conditions, steps and guards of a decision's detail. */
void explain_detail(const struct printing *p, const struct json *detail);
/* Answers of receivers and a customer's text may hold what steers a terminal:
 * of control characters only line breaks and our own colours stay. */
void explain_tame(struct buf *out, size_t from, bool color);

#endif
