/* Workspaces, integrations, features, messages, settings, deployments. */
#include "fixture.h"

static int64_t
generation(struct fixture *f)
{
    struct error err = {0};
    int64_t n = 0;
    struct store_tx *tx = begin(f, false);

    assert_ok(store_generation(tx, &n, &err), &err);
    store_rollback(tx);
    return n;
}

static void
test_workspace(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct workspace w;
    struct store_tx *tx = begin(f, true);

    assert_ok(workspace_ensure(tx, "default", "Other", T0, &err), &err);
    assert_ok(workspace_get(tx, f->a, "default", &w, &err), &err);
    assert_string_equal(w.id, f->workspace);
    assert_string_equal(w.name, "Default");
    assert_ok(workspace_by_id(tx, f->a, f->workspace, &w, &err), &err);
    assert_string_equal(w.slug, "default");
    assert_int_equal(workspace_get(tx, f->a, "none", &w, &err), E_NOTFOUND);
    commit(tx);
}

static void
test_integration(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct integration in, *rows = NULL;
    size_t n = 0;
    int64_t before = generation(f);
    struct store_tx *tx = begin(f, true);

    assert_ok(
        integration_get(tx, f->a, f->workspace, f->integration, &in, &err),
        &err);
    assert_null(in.catalog);
    in.status = "disconnected";
    in.catalog = "{}";
    in.epoch = "e1";
    assert_ok(integration_put(tx, &in, &err), &err);
    in.id = new_id(f, T0); /* another one of that name */
    assert_int_equal(integration_put(tx, &in, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "'saas'"));
    assert_ok(integration_list(tx, f->a, NULL, &rows, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].status, "disconnected");
    assert_string_equal(rows[0].epoch, "e1");
    assert_ok(integration_list(tx, f->a, "other", &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_int_equal(
        integration_get(tx, f->a, "other", f->integration, &in, &err),
        E_NOTFOUND);
    commit(tx);
    assert_true(generation(f) > before);
}

static void
test_feature_versions(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct feature_row in = {.workspace_id = f->workspace,
                             .integration_id = f->integration,
                             .key = "welcome",
                             .name = "Welcome",
                             .document = "{\"v\":1}"};
    struct feature_row out;
    const char *document = NULL;
    int64_t before = generation(f);
    struct store_tx *tx = begin(f, true);

    assert_ok(feature_put(tx, f->a, &in, T0, &out, &err), &err);
    assert_int_equal(out.version, 1);
    assert_string_equal(out.status, "draft");
    /* The same document is no new version. */
    assert_ok(feature_put(tx, f->a, &in, T0 + 1, &out, &err), &err);
    assert_int_equal(out.version, 1);
    assert_int_equal(out.updated_us, T0);
    assert_ok(
        feature_set_status(tx, f->workspace, "welcome", "active", T0 + 2, &err),
        &err);
    in.document = "{\"v\":2}";
    in.name = "Hello";
    assert_ok(feature_put(tx, f->a, &in, T0 + 3, &out, &err), &err);
    assert_int_equal(out.version, 2);
    assert_string_equal(out.status, "active");
    assert_string_equal(out.name, "Hello");
    assert_string_equal(out.document, "{\"v\":2}");
    assert_int_equal(out.created_us, T0);
    /* M10: runs that began on it find it unchanged. */
    assert_ok(feature_version_get(tx, f->a, out.id, 1, &document, &err), &err);
    assert_string_equal(document, "{\"v\":1}");
    assert_int_equal(feature_version_get(tx, f->a, out.id, 3, &document, &err),
                     E_NOTFOUND);
    commit(tx);
    assert_true(generation(f) > before);
}

static void
test_feature_lists(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct feature_row in = {.workspace_id = f->workspace,
                             .integration_id = f->integration,
                             .key = "a",
                             .name = "A",
                             .document = "{}"};
    struct feature_row out, *rows = NULL;
    size_t n = 0;
    struct store_tx *tx = begin(f, true);

    assert_ok(feature_put(tx, f->a, &in, T0, &out, &err), &err);
    in.key = "b";
    assert_ok(feature_put(tx, f->a, &in, T0 + 1, &out, &err), &err);
    assert_ok(feature_list(tx, f->a, NULL, &rows, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(rows[1].key, "b");
    assert_ok(feature_list(tx, f->a, "other", &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_int_equal(feature_get(tx, f->a, f->workspace, "c", &out, &err),
                     E_NOTFOUND);
    assert_non_null(strstr(err.msg, "'c'"));
    assert_int_equal(
        feature_set_status(tx, f->workspace, "c", "active", T0, &err),
        E_NOTFOUND);
    /* A feature of a database that is not there. */
    in.key = "d";
    in.integration_id = "gone";
    assert_int_equal(feature_put(tx, f->a, &in, T0, &out, &err), E_CONFLICT);
    store_rollback(tx);
}

static void
test_messages_and_settings(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct message_row m = {.workspace_id = f->workspace,
                            .key = "hi",
                            .subject = "S",
                            .body = "B",
                            .updated_us = T0};
    struct message_row got;
    const char *value = "x";
    int64_t before = generation(f);
    struct store_tx *tx = begin(f, true);

    assert_int_equal(message_get(tx, f->a, f->workspace, "hi", &got, &err),
                     E_NOTFOUND);
    assert_ok(message_put(tx, &m, &err), &err);
    m.body = "C";
    assert_ok(message_put(tx, &m, &err), &err);
    assert_ok(message_get(tx, f->a, f->workspace, "hi", &got, &err), &err);
    assert_string_equal(got.body, "C");
    assert_ok(setting_get(tx, f->a, f->workspace, "k", &value, &err), &err);
    assert_null(value);
    assert_ok(setting_put(tx, f->workspace, "k", "1", &err), &err);
    assert_ok(setting_put(tx, f->workspace, "k", "2", &err), &err);
    assert_ok(setting_get(tx, f->a, f->workspace, "k", &value, &err), &err);
    assert_string_equal(value, "2");
    assert_ok(setting_get(tx, f->a, "other", "k", &value, &err), &err);
    assert_null(value);
    commit(tx);
    assert_true(generation(f) > before);
}

static void
test_deployments(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct deployment_row *rows = NULL;
    size_t n = 0;
    struct store_tx *tx = begin(f, true);

    for (int i = 1; i <= 3; i++) {
        const struct deployment_row d = {.id = new_id(f, T0 + i * US_PER_S),
                                         .workspace_id = f->workspace,
                                         .integration_id = f->integration,
                                         .plan = "{}",
                                         .changes = i,
                                         .applied_us = T0 + i};
        assert_ok(deployment_add(tx, &d, &err), &err);
    }
    assert_ok(deployment_list(tx, f->a, f->workspace, 2, &rows, &n, &err),
              &err);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].changes, 3);
    assert_int_equal(rows[1].changes, 2);
    commit(tx);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_workspace),
        TEST(test_integration),
        TEST(test_feature_versions),
        TEST(test_feature_lists),
        TEST(test_messages_and_settings),
        TEST(test_deployments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
