/*
 * codec/yaml.h - YAML 1.2 in and out, as JSON values (libfyaml).
 *
 * Duplicate keys, anchors that expand past the limits, and tags are
 * refused. Each error names line and column.
 */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "codec/json.h"

/* Errors: E_INPUT "line L, column C: …"; E_TOOBIG; E_NOMEM. */
CHECKED enum status yaml_parse(struct arena *a, const char *text, size_t n,
                               size_t max_bytes, struct json **out,
                               struct error *err);

/* Line (1-based) of the node at a path such as "machine.states.s0" in YAML or
 * JSON text, 0 when not found: lets a semantic error name its line. */
int yaml_line_of(const char *text, size_t n, const char *dotted);

/* Writes block style YAML that yaml_parse reads back to the same value. */
void yaml_write(struct buf *out, const struct json *j);

#endif
