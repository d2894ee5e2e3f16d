/*
 * core/diagram.h - pictures of a machine with one deterministic layered
 * layout: the same document gives the same picture.
 */
#ifndef CORE_DIAGRAM_H
#define CORE_DIAGRAM_H

#include "base/buf.h"
#include "core/feature.h"

void diagram_text(struct buf *out, const struct feature *f);
void diagram_mermaid(struct buf *out, const struct feature *f);
void diagram_svg(struct buf *out, const struct feature *f);

/* One line in words: "after 2 days, if public.projects by owner_id = 0". */
void predicate_words(struct buf *out, const struct predicate *p);
void transition_words(struct buf *out, const struct transition *t);
void effect_words(struct buf *out, const struct effect *e);

#endif
