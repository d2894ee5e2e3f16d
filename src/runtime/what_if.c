#include "runtime/what_if.h"

#include <string.h>

#include "core/capture.h"
#include "runtime/registry.h"
#include "target/lookup.h"

void
what_if_close(struct what_if *w)
{
    target_close(w->t);
    w->t = NULL;
}

static enum status
stored(struct what_if *w, const char *key, struct error *err)
{
    struct workspace ws;
    AUTO_TX tx = NULL;
    enum status rc = store_begin(runtime_store(w->rt), false, &tx, err);

    if (rc == OK)
        rc = workspace_by_id(tx, w->a, w->workspace_id, &ws, err);
    if (rc == OK)
        w->holdout = workspace_holdout(w->a, &ws);
    return rc == OK && key
               ? feature_get(tx, w->a, w->workspace_id, key, &w->row, err)
               : rc;
}

/* A document comes as a tree, or as the text that users keep in files. */
static enum status
document_parse(struct what_if *w, const struct json *document,
               struct error *err)
{
    if (json_is(document, JSON_STRING))
        return feature_parse_text(w->a, document->text, document->n, &w->f,
                                  err);
    return feature_parse(w->a, document, &w->f, err);
}

enum status
what_if_load(struct runtime *rt, struct arena *a, const char *workspace_id,
             const char *key, const struct json *document, struct what_if *out,
             struct error *err)
{
    *out = (struct what_if){.rt = rt, .a = a, .workspace_id = workspace_id};
    enum status rc = stored(out, key, err);

    if (rc == OK && document)
        rc = document_parse(out, document, err);
    else if (rc == OK && key)
        rc = feature_parse_text(a, out->row.document, strlen(out->row.document),
                                &out->f, err);
    else if (rc == OK)
        rc = fail(err, E_INVALID, "name a feature or give a document");
    if (rc == OK)
        rc = op_integration_pick(rt, a, workspace_id, out->row.integration_id,
                                 &out->in, err);
    if (rc == OK)
        rc = op_catalog(a, &out->in, &out->catalog, err);
    return rc == OK ? feature_check(out->catalog, out->f, err) : rc;
}

enum status
what_if_target(struct what_if *w, struct error *err)
{
    return w->t ? OK : op_target(w->rt, &w->in, false, &w->t, err);
}

enum status
what_if_facts(struct what_if *w, struct arena *a, struct facts *facts,
              struct error *err)
{
    const struct fact_need *const *needs;

    if (facts_wanted(facts, &needs) == 0)
        return OK;
    enum status rc = what_if_target(w, err);
    if (rc == OK)
        rc = lookup_facts(w->t, a, w->catalog, facts, err);
    facts_clear_wanted(facts);
    return rc;
}

enum status
what_if_row(struct what_if *w, const char *key, const struct json **record,
            struct error *err)
{
    const struct table *t = catalog_table(w->catalog, w->f->table);
    struct scanned_row *rows = NULL;
    const char **columns = NULL;
    size_t n_columns = 0, n = 0;
    struct path path;

    if (!t || t->n_key != 1)
        return fail(err, E_UNSUPPORTED,
                    "rows of %s are not found by one key: give a record",
                    w->f->table);
    enum status rc =
        scan_columns(w->a, w->catalog, w->f, &columns, &n_columns, err);
    if (rc == OK)
        rc = path_parse(w->a, t->key[0], &path, err);
    if (rc == OK)
        rc = what_if_target(w, err);
    if (rc == OK)
        rc = lookup_rows_of(w->t, w->a, w->catalog, w->f->table, &path, key,
                            columns, n_columns, 1, &rows, &n, err);
    if (rc != OK)
        return rc;
    if (n == 0)
        return fail(err, E_NOTFOUND, "%s has no row %s", w->f->table, key);
    *record = rows[0].record;
    return OK;
}
