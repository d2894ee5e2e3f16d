/* Conditions as SQL in the trigger, and as core evaluates them on the captured
 * values: both must say the same of every row. */
#include "fixture.h"

#include <stdio.h>

#include "core/predicate.h"
#include "target/lookup_sql.h"
#include "target/push_sql.h"

enum { ROWS = 420, PREDICATES = 1500, PAIRS_WANTED = 200000 };

static const char make_rows[] =
    "create type mood as enum ('sad', 'ok', 'so happy', 'Zen');"
    "create table diff (id int primary key, b boolean, i integer, big bigint,"
    " n numeric, f float8, t text, v varchar(20), ch char(4), u uuid,"
    " at timestamptz, plain timestamp, d date, e mood, j jsonb, js json,"
    " arr text[]);"
    "create function pick(a anyarray) returns anyelement language sql volatile"
    " as 'select a[1 + floor(random() * cardinality(a))]';"
    "select setseed(0.25);"
    "insert into diff select g, pick('{t,f,null}'::bool[]),"
    " pick('{null,-1,0,1,5,7,2147483647,-2147483648}'::int[]),"
    " pick('{null,0,5,9007199254740993,9223372036854775807}'::bigint[]),"
    " pick('{null,0,5,5.0,5.10,0.1,NaN,-3.25,1e30,12345678901234567890.5}'"
    "::numeric[]),"
    " pick('{null,0,5,0.1,NaN,Infinity,1e300}'::float8[]),"
    " pick(array[null,'','a','A','b','ab','ä','z','Zürich','5','5.0','true',"
    " '2024-02-29','2024-02-29T00:00:00Z','it''s','a\\b','100%','_','null',"
    " 'é','e\\u0301','日本',' a','a ']),"
    " pick(array[null,'','a','ab','pro','Pro','free']),"
    " pick(array[null,'a','ab','abcd']),"
    " pick('{null,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,"
    "00000000-0000-0000-0000-000000000000}'::uuid[]),"
    " pick('{null,2024-02-29 12:00:00+00,2024-02-29 12:00:00.000001+00,"
    "1970-01-01 00:00+00,infinity,-infinity,0044-03-15 BC,1850-06-01 00:00+00,"
    "2024-06-30 23:59:59.999999-11,20240-01-01 00:00+00}'::timestamptz[]),"
    " pick('{null,2024-02-29 12:00:00,2024-03-01 00:00:00,1999-12-31,infinity}'"
    "::timestamp[]),"
    " pick('{null,2024-02-29,2024-03-01,1999-12-31,infinity}'::date[]),"
    " pick('{null,sad,ok,so happy,Zen}'::mood[]),"
    " pick(array[null,'{}','null','[1]','{\"k\": \"abc\"}','{\"k\": null}',"
    " '{\"k\": true}','{\"k\": \"true\"}','{\"k\": 5}','{\"k\": \"5\"}',"
    " '{\"k\": {\"a\": 1}}','\"k\"','{\"k\": \"ab\", \"q''q\": \"x\"}']"
    "::jsonb[]),"
    " pick(array[null,'{\"k\": \"abc\"}','{\"k\": 1, \"k\": \"abc\"}',"
    " 'null','{}']::json[]),"
    " pick(array[null,'{a,b}','{}'])::text[]"
    " from generate_series(1, 420) g";

static const char *const columns[] = {"b", "i",  "big", "n",  "f", "t",
                                      "v", "ch", "u",   "at", "d", "plain",
                                      "e", "j",  "js",  "arr"};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* Values as a feature document writes them. */
static const char *const values[] = {
    "true",
    "false",
    "null",
    "0",
    "5",
    "5.0",
    "5.1",
    "0.1",
    "-1",
    "1e3",
    "-3.25",
    "9007199254740993",
    "9223372036854775807",
    "1000000",
    "12345678901234567890.5",
    "2147483648",
    "\"\"",
    "\"a\"",
    "\"A\"",
    "\"ab\"",
    "\"abc\"",
    "\"b\"",
    "\"5\"",
    "\"true\"",
    "\"it's\"",
    "\"a\\\\b\"",
    "\"%\"",
    "\"_\"",
    "\"\\u00e9\"",
    "\"e\\u0301\"",
    "\"Z\\u00fcrich\"",
    "\"z\"",
    "\"pro\"",
    "\"sad\"",
    "\"so happy\"",
    "\"nobody\"",
    "\"2024-02-29\"",
    "\"2024-02-29T12:00:00Z\"",
    "\"2024-02-29T12:00:00.000001Z\"",
    "\"2024-02-29T17:45:00+05:45\"",
    "\"1999-12-31\"",
    "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"",
    "\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"",
    "[]",
    "[null]",
    "[5, 7]",
    "[5, null, 0.1]",
    "[\"a\", \"pro\", null]",
    "[\"sad\", \"Zen\"]",
    "[true]",
    "[\"2024-02-29\", \"1999-12-31\"]",
    "[\"abc\", true]",
    "[\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\", \"\"]",
    "[1, \"a\"]"};
enum { VALUES = sizeof(values) / sizeof(values[0]) };

static uint32_t seed = 20240229;

static uint32_t
draw(uint32_t below)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % below;
}

static const struct json *
parsed(struct fixture *f, const char *text)
{
    struct json *v = NULL;

    assert_ok(json_parse(f->a, text, strlen(text), 1 << 20, &v, &f->err),
              &f->err);
    return v;
}

/* The record as a capture writes it. */
static const struct json **
records(struct fixture *f, const struct table *t)
{
    AUTO_BUF text = buf_new(1 << 16);
    const struct column *list[COLUMNS];
    const struct json **out = arena_array(f->a, ROWS, sizeof(*out));

    for (size_t i = 0; i < COLUMNS; i++)
        list[i] = table_column(t, columns[i]);
    buf_puts(&text, "select ");
    sql_object(f->a, &text, "n", list, COLUMNS);
    buf_puts(&text, " from diff n order by id");
    sql(f->user, "set timezone to 'Asia/Kathmandu'");
    PGresult *r = PQexec(f->user, text.data);
    assert_int_equal(PQntuples(r), ROWS);
    for (int i = 0; i < ROWS; i++)
        out[i] = parsed(f, PQgetvalue(r, i, 0));
    PQclear(r);
    return out;
}

static bool
core_says(const struct json *record, const char *column, const char *key,
          enum op op, const struct json *value)
{
    const struct json *actual = json_get(record, column);
    enum truth t = TRUTH_UNKNOWN;

    if (key)
        actual = json_get(actual, key);
    return op_eval(op, actual, value, 0, &t, NULL) == OK && t == TRUTH_YES;
}

/* PostgreSQL prints these otherwise than ISO 8601 has them. */
static bool
odd_time(const struct column *c, const struct json *record)
{
    const char *text = json_get_str(record, c->name, "");

    return (c->type == COLUMN_TIMESTAMP || c->type == COLUMN_DATE) &&
           (strstr(text, "infinity") || strstr(text, "BC") ||
            strncmp(text, "18", 2) == 0 || strncmp(text, "20240", 5) == 0 ||
            strncmp(text, "1970", 4) == 0);
}

static const char *
sql_says(struct fixture *f, const struct push *p)
{
    AUTO_BUF text = buf_new(1 << 16);

    buf_puts(&text, "select string_agg(case when ");
    push_sql(f->a, &text, p, "n", "");
    buf_puts(&text, " then '1' else '0' end, '' order by id) from diff n");
    assert_true(buf_ok(&text));
    return cell(f, f->user, text.data);
}

static void
test_agree(void **state)
{
    struct fixture *f = *state;
    size_t pairs = 0, pushed = 0, held = 0;

    sql(f->admin, make_rows);
    sql(f->admin, "grant all on diff to public");
    introspect_again(f);
    const struct table *t = catalog_table(f->c, "public.diff");
    assert_non_null(t);
    const struct json **rows = records(f, t);
    for (int i = 0; i < PREDICATES * 8 && pushed < PREDICATES; i++) {
        struct push p = {.kind = PUSH_COMPARE,
                         .column = table_column(t, columns[draw(COLUMNS)]),
                         .op = (enum op)draw(OP_COUNT),
                         .value = parsed(f, values[draw(VALUES)]),
                         .negated = draw(4) == 0};
        if (p.column->type == COLUMN_JSON && draw(3) > 0)
            p.json_key = draw(5) == 0 ? "q'q" : "k";
        if (!push_can(p.column, p.json_key, p.op, p.value))
            continue;
        pushed++;
        const char *bits = sql_says(f, &p);
        for (size_t k = 0; k < ROWS; k++) {
            bool core = core_says(rows[k], p.column->name, p.json_key, p.op,
                                  p.value) != p.negated;
            bool in_sql = bits[k] == '1';
            pairs++;
            held += core;
            if (core == in_sql || (in_sql && odd_time(p.column, rows[k])))
                continue;
            print_error("%s%s%s %s%s %s of %s: core %d, SQL %d\n",
                        p.column->name, p.json_key ? "->" : "",
                        p.json_key ? p.json_key : "", p.negated ? "not " : "",
                        op_name(p.op), json_text(f->a, p.value),
                        json_text(f->a, json_get(rows[k], p.column->name)),
                        core, in_sql);
            assert_true(false);
        }
    }
    print_message("%zu predicates, %zu pairs, %zu hold\n", pushed, pairs, held);
    assert_true(pairs >= PAIRS_WANTED);
    assert_true(held > pairs / 10 && held < pairs - pairs / 10);
}

static const char *id_key[] = {"id"};
static const char *diff_columns[] = {"i", "id", "v"};
static const char *v_column[] = {"v"};
static const char captured[] =
    "select coalesce(string_agg(entity_id || coalesce(' ' || last_error, ''),"
    " ',' order by id), '') from skene_growth.event_log";

/* i > 4 and (v = 'pro' or v = 'team') */
static struct push
alternative(struct fixture *f, const struct table *t)
{
    struct push *any = arena_array(f->a, 2, sizeof(*any));
    struct push *all = arena_array(f->a, 2, sizeof(*all));
    const char *plans[] = {"\"pro\"", "\"team\""};

    for (int i = 0; i < 2; i++)
        any[i] = (struct push){.kind = PUSH_COMPARE,
                               .column = table_column(t, "v"),
                               .op = OP_EQ,
                               .value = parsed(f, plans[i])};
    all[0] = (struct push){.kind = PUSH_COMPARE,
                           .column = table_column(t, "i"),
                           .op = OP_GT,
                           .value = parsed(f, "4")};
    all[1] = (struct push){.kind = PUSH_ANY, .sub = any, .n = 2};
    return (struct push){.kind = PUSH_ALL, .sub = all, .n = 2};
}

static void
test_only_what_matches(void **state)
{
    struct fixture *f = *state;

    sql(f->admin, "create table diff (id int primary key, i int, v text);"
                  "grant all on diff to public; alter table diff owner to"
                  " supabase_auth_admin");
    introspect_again(f);
    struct push when = alternative(f, catalog_table(f->c, "public.diff"));
    struct capture c[2] = {{.table = "public.diff",
                            .op = ROW_INSERT,
                            .columns = diff_columns,
                            .n_columns = 3,
                            .key = id_key,
                            .n_key = 1,
                            .when = &when,
                            .n_when = 1}};
    c[1] = c[0];
    c[1].op = ROW_UPDATE;
    c[1].row_level = true;
    c[1].changed = v_column;
    c[1].n_changed = 1;
    (void)deploy(f, c, 2);
    sql(f->admin, "insert into diff values (1, 5, 'pro'), (2, 4, 'pro'),"
                  " (3, 9, 'free'), (4, 9, 'team'), (5, null, 'pro'),"
                  " (6, 9, null)");
    assert_string_equal(cell(f, f->admin, captured), "1,4");
    sql(f->admin, "delete from skene_growth.event_log");
    sql(f->admin, "update diff set v = 'pro' where id < 7");
    assert_string_equal(cell(f, f->admin, captured), "3,4,6");
    /* What the condition names is gone: the keys of every row are kept. */
    sql(f->admin, "delete from skene_growth.event_log");
    sql(f->admin, "alter table diff rename column i to x");
    sql(f->admin, "insert into diff values (7, 1, 'free')");
    assert_string_equal(cell(f, f->admin, captured),
                        "7 42703 column n.i does not exist");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_agree, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_only_what_matches, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests_name("pushdown", tests, NULL, NULL);
}
