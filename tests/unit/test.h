/*
 * tests/unit/test.h - cmocka with the headers it wants, and a few helpers.
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* cmocka's fail() and ours share a name; in tests theirs goes. */
#undef fail
#undef fail_msg
#define fail_msg(...)                       \
    do {                                    \
        print_error("ERROR: " __VA_ARGS__); \
        print_error("\n");                  \
        _fail(__FILE__, __LINE__);          \
    } while (0)

#include "base/arena.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Fails with what was said when a call that must succeed did not. */
#define assert_ok(call, err)                                       \
    do {                                                           \
        if ((call) != OK)                                          \
            fail_msg("%s:%d: %s", __FILE__, __LINE__, (err)->msg); \
    } while (0)

#endif
