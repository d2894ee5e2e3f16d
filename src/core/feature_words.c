#include <string.h>

#include "base/id.h"
#include "core/feature.h"

static const char *const stage_words[STAGE_COUNT] = {
    [STAGE_DISCOVERY] = "discovery",   [STAGE_ONBOARDING] = "onboarding",
    [STAGE_ACTIVATION] = "activation", [STAGE_ENGAGEMENT] = "engagement",
    [STAGE_RETENTION] = "retention",   [STAGE_EXPANSION] = "expansion",
    [STAGE_VIRALITY] = "virality",
};
static const char *const row_op_words[ROW_OP_COUNT] = {
    [ROW_INSERT] = "insert",
    [ROW_UPDATE] = "update",
    [ROW_DELETE] = "delete",
};
static const char *const op_words[OP_COUNT] = {
    [OP_EQ] = "eq",
    [OP_NEQ] = "neq",
    [OP_GT] = "gt",
    [OP_GTE] = "gte",
    [OP_LT] = "lt",
    [OP_LTE] = "lte",
    [OP_IN] = "in",
    [OP_NOT_IN] = "not_in",
    [OP_IS_NULL] = "is_null",
    [OP_NOT_NULL] = "not_null",
    [OP_CONTAINS] = "contains",
    [OP_STARTS_WITH] = "starts_with",
    [OP_ENDS_WITH] = "ends_with",
    [OP_OLDER_THAN] = "older_than",
    [OP_NEWER_THAN] = "newer_than",
    [OP_DUE_IN] = "due_in",
    [OP_DUE_AGO] = "due_ago",
};
static const char *const effect_words_[EFFECT_KIND_COUNT] = {
    [EFFECT_EMAIL] = "email",
    [EFFECT_WEBHOOK] = "webhook",
    [EFFECT_TRACK] = "track",
    [EFFECT_SET_STAGE] = "set_stage",
};
static const char *const mode_words[ENTRY_MODE_COUNT] = {
    [ENTRY_ONCE] = "once",
    [ENTRY_EVERY] = "every",
    [ENTRY_REMATCH] = "rematch",
};

static int
find(const char *const *words, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], name) == 0)
            return (int)i;
    return -1;
}

const char *
stage_name(enum stage s)
{
    return stage_words[s];
}

bool
stage_parse(const char *name, enum stage *out)
{
    int i = find(stage_words, STAGE_COUNT, name);

    if (i >= 0)
        *out = (enum stage)i;
    return i >= 0;
}

const char *
row_op_name(enum row_op op)
{
    return row_op_words[op];
}

uint64_t
sticky_place(const char *salt, const char *subject_key, uint64_t total)
{
    /* Two hashes, so that no salt and key run into each other. */
    uint64_t both[] = {hash64_str(salt), hash64_str(subject_key)};

    return hash64(both, sizeof(both)) % total;
}

bool
row_op_parse(const char *name, enum row_op *out)
{
    int i = find(row_op_words, ROW_OP_COUNT, name);

    if (i >= 0)
        *out = (enum row_op)i;
    return i >= 0;
}

const char *
op_name(enum op op)
{
    return op_words[op];
}

bool
op_parse(const char *name, enum op *out)
{
    int i = find(op_words, OP_COUNT, name);

    if (i >= 0)
        *out = (enum op)i;
    return i >= 0;
}

const char *
effect_kind_name(enum effect_kind k)
{
    return effect_words_[k];
}

bool
effect_kind_parse(const char *name, enum effect_kind *out)
{
    int i = find(effect_words_, EFFECT_KIND_COUNT, name);

    if (i >= 0)
        *out = (enum effect_kind)i;
    return i >= 0;
}

const char *
entry_mode_name(enum entry_mode m)
{
    return mode_words[m];
}

bool
entry_mode_parse(const char *name, enum entry_mode *out)
{
    int i = find(mode_words, ENTRY_MODE_COUNT, name);

    if (i >= 0)
        *out = (enum entry_mode)i;
    return i >= 0;
}

const struct state *
feature_state(const struct feature *f, const char *name)
{
    for (size_t i = 0; i < f->n_states; i++)
        if (strcmp(f->states[i].name, name) == 0)
            return &f->states[i];
    return NULL;
}

const char *
feature_source(struct arena *a, const struct feature *f)
{
    if (f->trigger == TRIGGER_SCHEDULE)
        return "schedule";
    return arena_printf(a, "%s.%s", f->table, row_op_name(f->op));
}
