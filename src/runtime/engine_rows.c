#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "runtime/engine_batch.h"

/* As much as the committer takes. */
enum { RECORD_MAX_BYTES = 48 * 1024 * 1024 };

static enum status
parse_json(struct arena *a, const char *text, const struct json **out,
           struct error *err)
{
    struct json *j = NULL;

    if (!text) {
        *out = NULL;
        return OK;
    }
    enum status rc =
        json_parse(a, text, strlen(text), RECORD_MAX_BYTES, &j, err);
    *out = j;
    return rc;
}

enum status
event_from_row(struct arena *a, const struct event_row *row, struct event *out,
               struct error *err)
{
    const char *dot = strrchr(row->type, '.');

    *out = (struct event){.id = row->id,
                          .workspace = row->workspace_id,
                          .integration = row->integration_id,
                          .key = row->key,
                          .occurred_us = row->occurred_us};
    if (!dot || !row_op_parse(dot + 1, &out->op))
        return fail(err, E_BUG, "stored event type '%s'", row->type);
    out->table = arena_strndup(a, row->type, (size_t)(dot - row->type));
    if (!out->table)
        return fail(err, E_NOMEM, "event %s", row->id);
    enum status rc = parse_json(a, row->record, &out->record, err);
    if (rc == OK)
        rc = parse_json(a, row->old, &out->old, err);
    return rc == OK ? OK : error_wrap(err, "event %s", row->id);
}

static const struct {
    const char *name;
    enum run_status status;
} statuses[] = {{"active", RUN_ACTIVE},
                {"completed", RUN_COMPLETED},
                {"exited", RUN_EXITED},
                {"ended", RUN_ENDED}};

enum status
run_from_row(struct arena *a, const struct run_row *row, struct run *out,
             struct error *err)
{
    *out = (struct run){.id = row->id,
                        .workspace = row->workspace_id,
                        .integration = row->integration_id,
                        .feature_id = row->feature_id,
                        .version = row->version,
                        .subject = {.table = row->subject_table,
                                    .id = row->subject_id,
                                    .key = row->subject_key},
                        .row_table = row->row_table,
                        .row_key = row->row_key,
                        .event_id = row->event_id,
                        .event_type = row->event_type,
                        .goal = row->goal,
                        .state = row->state,
                        .entered_us = row->entered_us,
                        .state_entered_us = row->state_entered_us,
                        .state_entry = row->state_entry,
                        .checked_us = row->checked_us,
                        .due_us = row->due_us};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (strcmp(statuses[i].name, row->status) == 0)
            out->status = statuses[i].status;
    enum status rc = parse_json(a, row->record, &out->record, err);
    return rc == OK ? OK : error_wrap(err, "run %s", row->id);
}

void
run_to_row(const struct run *run, struct run_row *row)
{
    row->state = run->state;
    row->status = run_status_name(run->status);
    row->state_entered_us = run->state_entered_us;
    row->state_entry = run->state_entry;
    row->checked_us = run->checked_us;
    row->due_us = run->status == RUN_ACTIVE ? run->due_us : 0;
}

enum status
run_row_new(struct batch *b, const struct live_integration *li,
            const struct run *run, struct run_row *out, struct error *err)
{
    *out = (struct run_row){
        .id = run->id,
        .workspace_id = li->workspace.id,
        .integration_id = li->row.id,
        .feature_id = run->feature_id,
        .shard = shard_of(li->workspace.id, run->subject.key),
        .version = run->version,
        .subject_table = run->subject.table,
        .subject_id = run->subject.id,
        .subject_key = run->subject.key,
        .row_table = run->row_table,
        .row_key = run->row_key,
        .event_id = run->event_id,
        .event_type = run->event_type,
        .entered_us = run->entered_us,
        .goal = run->goal,
        .rev = 1,
    };
    if (run->record) {
        out->record = json_text(b->a, run->record);
        if (!out->record)
            return fail(err, E_NOMEM, "run %s", run->id);
    }
    run_to_row(run, out);
    return OK;
}

static void
named_write(struct json_writer *w, const char *member, const char *const *kv)
{
    jw_key(w, member);
    jw_object(w);
    for (; kv[0]; kv += 2)
        jw_kv_string(w, kv[0], kv[1]);
    jw_object_end(w);
}

static void
payload_write(struct arena *a, struct buf *out,
              const struct live_integration *li, const struct feature *f,
              const struct run *run, const struct planned_effect *e,
              int64_t now_us)
{
    struct json_writer w = jw_new(out);
    const struct workspace *ws = &li->workspace;

    jw_object(&w);
    jw_key(&w, "effect");
    jw_value(&w, effect_to_json(a, e->effect));
    named_write(&w, "feature",
                (const char *const[]){"key", f->key, "name", f->name, NULL});
    jw_kv_int(&w, "version", run->version);
    jw_kv_string(&w, "state", e->state);
    jw_kv_string(&w, "run", run->id);
    named_write(&w, "subject",
                (const char *const[]){"table", run->subject.table, "id",
                                      run->subject.id, "key", run->subject.key,
                                      NULL});
    named_write(&w, "workspace",
                (const char *const[]){"id", ws->id, "slug", ws->slug, "name",
                                      ws->name, NULL});
    jw_kv_value(&w, "timing", json_get(f->document, "timing"));
    jw_key(&w, "event");
    jw_object(&w);
    jw_kv_string(&w, "id", run->event_id);
    jw_kv_string(&w, "type", run->event_type);
    jw_kv_time(&w, "occurred_at", run->entered_us);
    jw_kv_value(&w, "record", run->record);
    jw_object_end(&w);
    jw_kv_time(&w, "planned_at", now_us);
    jw_object_end(&w);
}

static const char *
action_address(const struct planned_effect *e)
{
    if (e->effect->kind == EFFECT_EMAIL)
        return e->address;
    return e->effect->url ? e->effect->url : e->effect->connection;
}

enum status
action_of(struct batch *b, const struct live_integration *li,
          const struct feature *f, const struct run *run,
          const struct planned_effect *e, struct action_row *out,
          struct error *err)
{
    AUTO_BUF payload = buf_new(RECORD_MAX_BYTES);
    struct id id = id_new(b->now_us);

    payload_write(b->a, &payload, li, f, run, e, b->now_us);
    *out = (struct action_row){
        .id = arena_strdup(b->a, id.text),
        .workspace_id = li->workspace.id,
        .key = e->key,
        .run_id = run->id,
        .feature_id = run->feature_id,
        .feature_key = f->key,
        .version = run->version,
        .event_id = run->event_id,
        .subject_key = run->subject.key,
        .kind = effect_kind_name(e->effect->kind),
        .address = action_address(e),
        .payload = arena_strndup(b->a, payload.data, payload.len),
        .status = "pending",
        .due_us = b->now_us,
        .created_us = b->now_us,
    };
    if (!buf_ok(&payload) || !out->id || !out->payload)
        return fail(err, E_NOMEM, "action of run %s", run->id);
    if (e->verdict != VERDICT_ENTERED) {
        out->status = "skipped";
        out->verdict = verdict_name(e->verdict);
        out->done_us = b->now_us;
    }
    return OK;
}
