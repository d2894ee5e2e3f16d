#include "../test.h"

#include "codec/crypto.h"

static void
test_hashes(void **state)
{
    char hex[SHA256_HEX_BYTES];
    unsigned char mac[SHA256_BYTES];
    (void)state;

    /* FIPS 180-2 and RFC 4231, case 2 */
    assert_string_equal(
        sha256_hex("abc", 3, hex),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    assert_int_equal(mac[0], 0x5b);
    assert_int_equal(mac[31], 0x43);
}

static void
test_keys(void **state)
{
    static const char *const bad[] = {
        "",
        "short",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* zeros */
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "cGFzc3dvcmRwYXNzd29yZHBhc3N3b3JkcGFzc3dvcmQ=", /* printable text */
        "not base64 at all, but of a certain length ok",
    };
    struct seal_key key;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {0};
        if (seal_key_parse(bad[i], &key, &err) != E_INPUT)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(err.hint, "openssl"));
    }
}

static struct seal_key
random_key(void)
{
    struct seal_key key = {.id = "12345678"};
    struct error err = {0};

    assert_ok(random_bytes(key.bytes, sizeof(key.bytes), &err), &err);
    return key;
}

static void
test_seal(void **state)
{
    AUTO_ARENA a = arena_new(100000);
    struct seal_key key = random_key(), other = random_key();
    struct secret open;
    const char *sealed = NULL, *again = NULL;
    struct error err = {0};
    (void)state;

    assert_ok(seal(a, &key, "ws|dsn|1", "secret", 6, &sealed, &err), &err);
    assert_ok(seal(a, &key, "ws|dsn|1", "secret", 6, &again, &err), &err);
    assert_string_not_equal(sealed, again); /* fresh nonce */
    assert_null(strstr(sealed, "secret"));
    assert_ok(unseal(&key, "ws|dsn|1", sealed, &open, &err), &err);
    assert_int_equal(open.n, 6);
    assert_memory_equal(open.bytes, "secret", 6);
    secret_free(&open);
    assert_int_equal(unseal(&key, "ws|dsn|2", sealed, &open, &err), E_AUTH);
    assert_int_equal(unseal(&other, "ws|dsn|1", sealed, &open, &err), E_AUTH);
    char *bent = arena_strdup(a, sealed);
    bent[20] = bent[20] == 'A' ? 'B' : 'A';
    assert_int_equal(unseal(&key, "ws|dsn|1", bent, &open, &err), E_AUTH);
    memcpy(other.id, "87654321", 9);
    err = (struct error){0};
    assert_int_equal(unseal(&other, "ws|dsn|1", sealed, &open, &err), E_AUTH);
    assert_non_null(strstr(err.msg, "12345678"));
    assert_int_equal(unseal(&key, "x", "v1.12345678.AA", &open, &err), E_INPUT);
    assert_int_equal(unseal(&key, "x", "plain", &open, &err), E_INPUT);
}

static void
test_webhooks(void **state)
{
    /* The specification's own vector. */
    static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    static const char id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    static const char body[] = "{\"test\": 2432232314}";
    static const char want[] =
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    AUTO_ARENA a = arena_new(100000);
    const char *signature = NULL;
    struct error err = {0};
    (void)state;

    assert_ok(webhook_sign(a, secret, id, 1614265330, body, strlen(body),
                           &signature, &err),
              &err);
    assert_string_equal(signature, want);
    const char *list = arena_printf(a, "v1a,xx v1,bad %s", want);
    assert_true(webhook_verify(secret, id, "1614265330", list, body,
                               strlen(body), 1614265330 + 299, 300));
    assert_false(webhook_verify(secret, id, "1614265330", list, body,
                                strlen(body), 1614265330 + 301, 300));
    assert_false(webhook_verify(secret, id, "1614265331", list, body,
                                strlen(body), 1614265330, 300));
    assert_false(
        webhook_verify(secret, id, "x", list, body, strlen(body), 0, 300));
    assert_false(webhook_verify(secret, id, "1614265330", "v1,", body,
                                strlen(body), 1614265330, 300));
    assert_int_equal(
        webhook_sign(a, "whsec_", id, 1, body, 1, &signature, &err), E_INPUT);
    assert_int_equal(
        webhook_sign(a, "whsec_c2hvcnQ=", id, 1, body, 1, &signature, &err),
        E_INPUT);
}

static void
test_tokens(void **state)
{
    AUTO_ARENA a = arena_new(10000);
    const char *x = NULL, *y = NULL;
    struct error err = {0};
    (void)state;

    assert_ok(random_token(a, "sk_", 32, &x, &err), &err);
    assert_ok(random_token(a, "sk_", 32, &y, &err), &err);
    assert_int_equal(strlen(x), 3 + 43);
    assert_string_not_equal(x, y);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_seal),   cmocka_unit_test(test_webhooks),
        cmocka_unit_test(test_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
