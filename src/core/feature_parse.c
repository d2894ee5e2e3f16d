#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "codec/time.h"
#include "codec/yaml.h"
#include "core/feature_read.h"

enum { DOCUMENT_MAX_BYTES = 1024 * 1024 };

static const char *
slug(struct arena *a, const char *name)
{
    char *out = arena_strdup(a, name);
    size_t used = 0;

    for (const char *p = name; out && *p; p++) {
        if (isalnum((unsigned char)*p))
            out[used++] = (char)(tolower)((unsigned char)*p);
        else if (used && out[used - 1] != '-')
            out[used++] = '-';
    }
    while (out && used && out[used - 1] == '-')
        used--;
    if (out)
        out[used] = '\0';
    return out;
}

static bool
key_valid(const char *key)
{
    if (!isalnum((unsigned char)key[0]) || strlen(key) > 100)
        return false;
    for (const char *p = key; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) &&
            *p != '-' && *p != '_')
            return false;
    return true;
}

static enum status
read_head(struct reader *r, const struct json *doc, struct feature *f)
{
    const char *stage = NULL;

    if (json_int(json_get(doc, "version"), 0) != 1)
        return bad_at(r, NULL, "version", "must be 1");
    enum status rc = get_text(r, NULL, doc, "key", false, &f->key);
    if (rc == OK)
        rc = get_text(r, NULL, doc, "name", false, &f->name);
    if (rc == OK)
        rc = get_text(r, NULL, doc, "description", false, &f->description);
    if (rc == OK)
        rc = get_text(r, NULL, doc, "stage", true, &stage);
    if (rc != OK)
        return rc;
    if (!stage_parse(stage, &f->stage))
        return bad_at(r, NULL, "stage", "unknown stage '%.40s'", stage);
    if (!f->key)
        f->key = slug(r->a, f->name ? f->name : "");
    if (!f->key)
        return fail(r->err, E_NOMEM, "key");
    if (!f->key[0])
        f->key = "feature";
    if (!f->name)
        f->name = f->key;
    if (!key_valid(f->key))
        return bad_at(r, NULL, "key",
                      "'%.80s' must be lower-case letters, digits, - and _",
                      f->key);
    return OK;
}

static enum status
read_row_trigger(struct reader *r, const struct place *at, const struct json *j,
                 struct feature *f)
{
    static const char *const update[] = {"type", "table", "op", "column",
                                         "from", "to",    NULL};
    static const char *const other[] = {"type", "table", "op", NULL};
    const char *op = NULL;
    enum status rc = get_text(r, at, j, "op", true, &op);

    if (rc != OK)
        return rc;
    if (!row_op_parse(op, &f->op))
        return bad_at(r, at, "op", "must be insert, update or delete");
    rc = only(r, at, j, f->op == ROW_UPDATE ? update : other);
    if (rc == OK)
        rc = get_text(r, at, j, "column", false, &f->column);
    if (rc == OK)
        rc = read_match(r, at, j, "from", &f->from);
    if (rc == OK)
        rc = read_match(r, at, j, "to", &f->to);
    if (rc == OK && (f->from.set || f->to.set) && !f->column)
        rc = bad_at(r, at, "column", "is required beside from or to");
    return rc;
}

static enum status
read_schedule(struct reader *r, const struct place *at, const struct json *j,
              struct feature *f)
{
    static const char *const allowed[] = {"type", "table", "cron", "tz", NULL};
    struct cron cron;
    const struct zone *zone;
    struct error err = {0};
    enum status rc = only(r, at, j, allowed);

    f->trigger = TRIGGER_SCHEDULE;
    if (rc == OK)
        rc = get_text(r, at, j, "cron", true, &f->cron);
    if (rc == OK)
        rc = get_text(r, at, j, "tz", false, &f->cron_tz);
    if (rc != OK)
        return rc;
    if (!f->cron_tz)
        f->cron_tz = "UTC";
    if (cron_parse(f->cron, &cron, &err) != OK)
        return bad_at(r, at, "cron", "%s", err.msg);
    if (zone_get(f->cron_tz, &zone, &err) != OK)
        return bad_at(r, at, "tz", "%s", err.msg);
    return OK;
}

static enum status
read_trigger(struct reader *r, const struct json *doc, struct feature *f)
{
    const struct json *j = json_get(doc, "trigger");
    const struct place at = {.name = "trigger"};
    const char *type = NULL;

    if (!json_is(j, JSON_OBJECT))
        return bad_at(r, &at, NULL, "is required");
    enum status rc = get_text(r, &at, j, "type", true, &type);
    if (rc == OK)
        rc = get_table(r, &at, j, "table", &f->table);
    if (rc != OK)
        return rc;
    if (strcmp(type, "row") == 0)
        return read_row_trigger(r, &at, j, f);
    if (strcmp(type, "schedule") == 0)
        return read_schedule(r, &at, j, f);
    return bad_at(r, &at, "type", "must be row or schedule");
}

static enum status
read_subject(struct reader *r, const struct json *doc, struct feature *f)
{
    static const char *const allowed[] = {"table", "id", "email", "join", NULL};
    const struct json *j = json_get(doc, "subject");
    const struct place at = {.name = "subject"};
    enum status rc = only(r, &at, j, allowed);

    if (rc == OK)
        rc = get_table(r, &at, j, "table", &f->subject_table);
    if (rc == OK)
        rc = get_path(r, &at, j, "id", true, &f->subject_id);
    if (rc == OK)
        rc = get_path(r, &at, j, "email", false, &f->subject_email);
    return rc;
}

static enum status
read_entry(struct reader *r, const struct json *doc, struct feature *f)
{
    static const char *const allowed[] = {"mode", "conditions", "backfill",
                                          NULL};
    const struct json *j = json_get(doc, "entry");
    const struct place at = {.name = "entry"};
    const struct place conditions = {.up = &at, .name = "conditions"};
    const char *mode = NULL, *backfill = NULL;
    enum status rc = only(r, &at, j, allowed);

    if (rc == OK)
        rc = get_text(r, &at, j, "mode", true, &mode);
    if (rc == OK && !entry_mode_parse(mode, &f->mode))
        rc = bad_at(r, &at, "mode", "must be once, every or rematch");
    if (rc == OK && f->mode == ENTRY_REMATCH && f->trigger == TRIGGER_ROW)
        rc = bad_at(r, &at, "mode", "rematch belongs to a schedule");
    if (rc == OK)
        rc = get_text(r, &at, j, "backfill", false, &backfill);
    f->backfill = backfill && strcmp(backfill, "existing") == 0;
    if (rc == OK && backfill && !f->backfill && strcmp(backfill, "none") != 0)
        rc = bad_at(r, &at, "backfill", "must be none or existing");
    if (rc == OK && f->backfill &&
        (f->trigger != TRIGGER_ROW || f->op != ROW_INSERT))
        rc = bad_at(r, &at, "backfill",
                    "belongs to a trigger on insert: of other changes no "
                    "row tells");
    if (rc == OK)
        rc = read_predicates(r, &conditions, json_get(j, "conditions"),
                             &f->conditions);
    return rc;
}

static bool
hhmm(const char *s, int *minutes)
{
    if (strlen(s) != 5 || s[2] != ':' || !isdigit((unsigned char)s[0]) ||
        !isdigit((unsigned char)s[1]) || !isdigit((unsigned char)s[3]) ||
        !isdigit((unsigned char)s[4]))
        return false;
    int h = (s[0] - '0') * 10 + s[1] - '0', m = (s[3] - '0') * 10 + s[4] - '0';
    *minutes = h * 60 + m;
    return h < 24 && m < 60;
}

static enum status
read_quiet(struct reader *r, const struct place *up, const struct json *timing,
           struct timing *t)
{
    static const char *const allowed[] = {"from", "to", "tz", NULL};
    const struct json *j = json_get(timing, "quiet_hours");
    const struct place at = {.up = up, .name = "quiet_hours"};
    const char *from = NULL, *to = NULL;
    const struct zone *zone;
    struct error err = {0};

    if (!j)
        return OK;
    enum status rc = only(r, &at, j, allowed);
    if (rc == OK)
        rc = get_text(r, &at, j, "from", true, &from);
    if (rc == OK)
        rc = get_text(r, &at, j, "to", true, &to);
    if (rc == OK)
        rc = get_text(r, &at, j, "tz", false, &t->tz);
    if (rc != OK)
        return rc;
    if (!hhmm(from, &t->quiet_from_min))
        return bad_at(r, &at, "from", "must be HH:MM");
    if (!hhmm(to, &t->quiet_to_min))
        return bad_at(r, &at, "to", "must be HH:MM");
    if (t->quiet_from_min == t->quiet_to_min)
        return bad_at(r, &at, "to", "equals from: no hour would be left");
    if (t->tz && strcmp(t->tz, "subject") != 0 &&
        zone_get(t->tz, &zone, &err) != OK)
        return bad_at(r, &at, "tz", "%s", err.msg);
    t->quiet = true;
    return OK;
}

static enum status
read_days(struct reader *r, const struct place *at, const struct json *j,
          struct timing *t)
{
    static const char *const names[] = {"sun", "mon", "tue", "wed",
                                        "thu", "fri", "sat"};

    if (!j)
        return OK;
    if (!json_is(j, JSON_ARRAY) || j->n == 0)
        return bad_at(r, at, "days", "must be a list of days");
    for (uint32_t i = 0; i < j->n; i++) {
        const char *name = json_str(j->items[i], "");
        unsigned bit = 0;
        for (unsigned d = 0; d < 7; d++)
            if (strcmp(names[d], name) == 0)
                bit = 1u << d;
        if (!bit || (t->days & bit))
            return bad_at(r, at, "days", "'%.20s' is no day, or twice", name);
        t->days |= bit;
    }
    return OK;
}

static enum status
read_cap(struct reader *r, const struct place *up, const struct json *timing,
         struct timing *t)
{
    static const char *const allowed[] = {"count", "per", NULL};
    const struct json *j = json_get(timing, "cap");
    const struct place at = {.up = up, .name = "cap"};

    if (!j)
        return OK;
    enum status rc = only(r, &at, j, allowed);
    if (rc != OK)
        return rc;
    t->cap_count = json_int(json_get(j, "count"), 0);
    if (t->cap_count < 1)
        return bad_at(r, &at, "count", "must be a whole number >= 1");
    rc = get_duration(r, &at, j, "per", &t->cap_per_us);
    if (rc == OK && t->cap_per_us <= 0)
        rc = bad_at(r, &at, "per", "must be a duration over zero");
    return rc;
}

static enum status
read_timing(struct reader *r, const struct json *doc, struct feature *f)
{
    static const char *const allowed[] = {"cooldown", "cap", "quiet_hours",
                                          "days", NULL};
    const struct json *j = json_get(doc, "timing");
    const struct place at = {.name = "timing"};

    if (!j)
        return OK;
    enum status rc = only(r, &at, j, allowed);
    if (rc == OK)
        rc = get_duration(r, &at, j, "cooldown", &f->timing.cooldown_us);
    if (rc == OK)
        rc = read_cap(r, &at, j, &f->timing);
    if (rc == OK)
        rc = read_quiet(r, &at, j, &f->timing);
    if (rc == OK)
        rc = read_days(r, &at, json_get(j, "days"), &f->timing);
    return rc;
}

/* A share of all subjects, to four places. */
static enum status
read_holdout(struct reader *r, const struct json *j, struct feature *f)
{
    double share = json_double(j, 0);

    if (!j)
        return OK;
    if (!json_is(j, JSON_DECIMAL) || !(share >= 0.0001 && share <= 0.9))
        return bad_at(r, NULL, "holdout",
                      "must be a share of subjects from 0.0001 to 0.9");
    f->holdout = (int)(share * 10000 + 0.5);
    return OK;
}

static enum status
read_goal(struct reader *r, const struct json *j, struct feature *f)
{
    static const char *const allowed[] = {"when", "within", NULL};
    const struct place at = {.name = "goal"};
    const struct place when = {.up = &at, .name = "when"};

    if (!j)
        return OK;
    enum status rc = only(r, &at, j, allowed);
    if (rc == OK)
        rc = read_predicates(r, &when, json_get(j, "when"), &f->goal);
    if (rc == OK && f->goal.n == 0)
        rc = bad_at(r, &at, "when", "must be a list of predicates");
    if (rc == OK)
        rc = get_duration(r, &at, j, "within", &f->goal_within_us);
    if (rc == OK && f->goal_within_us <= 0)
        rc = bad_at(r, &at, "within", "must be a duration over zero");
    return rc;
}

static enum status
read_semantic(struct reader *r, const struct json *j, struct feature *f)
{
    static const char *const allowed[] = {"intent", "min_confidence", "fields",
                                          NULL};
    const struct json *least = json_get(j, "min_confidence");
    const struct json *fields = json_get(j, "fields");
    const struct place at = {.name = "match"};

    if (!j)
        return OK;
    enum status rc = only(r, &at, j, allowed);
    if (rc == OK)
        rc = get_text(r, &at, j, "intent", true, &f->match.intent);
    if (rc != OK)
        return rc;
    double share = least ? json_double(least, 0) : 0.8;
    if (!(share >= 0.1 && share <= 0.95))
        return bad_at(r, &at, "min_confidence", "must be from 0.1 to 0.95");
    f->match.least = (int)(share * 1000 + 0.5);
    if (!fields)
        return OK;
    if (!json_is(fields, JSON_ARRAY) || fields->n == 0)
        return bad_at(r, &at, "fields", "must be a list of columns");
    f->match.fields = arena_array(r->a, fields->n, sizeof(char *));
    if (!f->match.fields)
        return fail(r->err, E_NOMEM, "match");
    for (uint32_t i = 0; i < fields->n; i++) {
        f->match.fields[i] = json_str(fields->items[i], NULL);
        if (!f->match.fields[i])
            return bad_at(r, &at, "fields", "must be a list of columns");
    }
    f->match.n_fields = fields->n;
    return OK;
}

static enum status
read_on_pause(struct reader *r, const struct json *j, struct feature *f)
{
    static const char *const allowed[] = {"skip_if_older_than", NULL};
    const struct place at = {.name = "on_pause"};
    const char *text = json_str(j, "");

    if (!j || strcmp(text, "hold") == 0)
        return OK;
    if (strcmp(text, "exit") == 0) {
        f->on_pause = PAUSE_EXIT;
        return OK;
    }
    if (!json_is(j, JSON_OBJECT))
        return bad_at(r, NULL, "on_pause",
                      "must be hold, exit or {skip_if_older_than: duration}");
    f->on_pause = PAUSE_SKIP;
    enum status rc = only(r, &at, j, allowed);
    if (rc == OK)
        rc = get_duration(r, &at, j, "skip_if_older_than", &f->skip_us);
    if (rc == OK && f->skip_us <= 0)
        rc = bad_at(r, &at, "skip_if_older_than",
                    "must be a duration over zero");
    return rc;
}

enum status
feature_parse(struct arena *a, const struct json *doc, struct feature **out,
              struct error *err)
{
    static const char *const allowed[] = {
        "version", "key",      "name",   "description", "stage",   "trigger",
        "subject", "entry",    "timing", "exit",        "machine", "holdout",
        "goal",    "on_pause", "match",  NULL};
    struct error local = {0};
    struct reader r = {.a = a, .err = err ? err : &local};
    struct feature *f = arena_alloc(a, sizeof(*f));
    const struct place exits = {.name = "exit"};
    const struct place machine = {.name = "machine"};

    if (!f)
        return fail(err, E_NOMEM, "feature");
    f->document = doc;
    enum status rc = only(&r, NULL, doc, allowed);
    if (rc == OK)
        rc = read_head(&r, doc, f);
    if (rc == OK)
        rc = read_trigger(&r, doc, f);
    if (rc == OK)
        rc = read_subject(&r, doc, f);
    if (rc == OK)
        rc = read_entry(&r, doc, f);
    if (rc == OK)
        rc = read_timing(&r, doc, f);
    if (rc == OK)
        rc = read_predicates(&r, &exits, json_get(doc, "exit"), &f->exit);
    if (rc == OK)
        rc = read_holdout(&r, json_get(doc, "holdout"), f);
    if (rc == OK)
        rc = read_semantic(&r, json_get(doc, "match"), f);
    if (rc == OK)
        rc = read_goal(&r, json_get(doc, "goal"), f);
    if (rc == OK)
        rc = read_on_pause(&r, json_get(doc, "on_pause"), f);
    if (rc == OK)
        rc = read_machine(&r, &machine, json_get(doc, "machine"), f);
    if (rc == OK)
        rc = feature_goal_machine(a, f, err);
    *out = f;
    return rc;
}

/* Line of a field, or of what it is missing in. */
static int
line_of(const char *text, size_t n, const char *field)
{
    char at[sizeof(((struct error *)0)->field)];
    int line = 0;

    (void)snprintf(at, sizeof(at), "%s", field);
    while (at[0] && !(line = yaml_line_of(text, n, at))) {
        char *dot = strrchr(at, '.'), *open = strrchr(at, '[');
        char *cut = open && (!dot || open > dot) ? open : dot;
        *(cut ? cut : at) = '\0';
    }
    return line;
}

enum status
feature_parse_text(struct arena *a, const char *text, size_t n,
                   struct feature **out, struct error *err)
{
    struct json *doc = NULL;
    size_t start = strspn(text, " \t\r\n");
    bool json = start < n && text[start] == '{';
    enum status rc =
        json ? json_parse(a, text, n, DOCUMENT_MAX_BYTES, &doc, err)
             : yaml_parse(a, text, n, DOCUMENT_MAX_BYTES, &doc, err);

    if (rc != OK) {
        if (rc == E_INPUT && err)
            err->code = E_INVALID;
        return rc == E_INPUT ? E_INVALID : rc;
    }
    rc = feature_parse(a, doc, out, err);
    int line = rc == E_INVALID && err ? line_of(text, n, err->field) : 0;
    return line ? error_wrap(err, "line %d", line) : rc;
}
