/* A small SaaS schema and the short forms the tests of this folder share. */
#ifndef TESTS_CORE_SAAS_H
#define TESTS_CORE_SAAS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
/* err.h raises errors with this name; tests use broken() instead. */
#undef fail

#include "core/feature.h"

#define broken(...)                \
    do {                           \
        print_error(__VA_ARGS__);  \
        print_error("\n");         \
        _fail(__FILE__, __LINE__); \
    } while (0)

enum { TEST_BYTES = 4 << 20 };

/* Written with ' for ", as every document in these tests. */
static const char saas_text[] =
    "{'tables':["
    "{'schema':'auth','name':'users','kind':'r','rows':1200,'columns':["
    " {'name':'id','type':'uuid','not_null':true},"
    " {'name':'email','type':'character varying(255)'},"
    " {'name':'encrypted_password','type':'character varying(255)'},"
    " {'name':'last_sign_in_at','type':'timestamp with time zone'},"
    " {'name':'raw_user_meta_data','type':'jsonb'},"
    " {'name':'created_at','type':'timestamp with time zone'}],"
    " 'key':['id'],'foreign_keys':[]},"
    "{'schema':'public','name':'profiles','kind':'r','rows':1200,'columns':["
    " {'name':'id','type':'uuid','not_null':true},"
    " {'name':'full_name','type':'text'},"
    " {'name':'timezone','type':'text'}],"
    " 'key':['id'],'foreign_keys':["
    " {'column':'id','table':'auth.users','key':'id'}]},"
    "{'schema':'public','name':'projects','kind':'r','rows':300,'columns':["
    " {'name':'id','type':'uuid','not_null':true},"
    " {'name':'owner_id','type':'uuid'},"
    " {'name':'name','type':'text'},"
    " {'name':'created_at','type':'timestamp with time zone'}],"
    " 'key':['id'],'foreign_keys':["
    " {'column':'owner_id','table':'public.profiles','key':'id'}]},"
    "{'schema':'public','name':'tasks','kind':'r','rows':5000,'columns':["
    " {'name':'id','type':'bigint','not_null':true},"
    " {'name':'project_id','type':'uuid'},"
    " {'name':'creator_id','type':'uuid'},"
    " {'name':'title','type':'text'},"
    " {'name':'status','type':'task_status',"
    "  'enum':['todo','in_progress','blocked','done']},"
    " {'name':'created_at','type':'timestamp with time zone',"
    "  'default':'now()'}],"
    " 'key':['id'],'foreign_keys':["
    " {'column':'creator_id','table':'public.profiles','key':'id'}]},"
    "{'schema':'public','name':'members','kind':'p','rows':-1,'columns':["
    " {'name':'id','type':'uuid'},{'name':'project_id','type':'uuid'},"
    " {'name':'user_id','type':'uuid'},"
    " {'name':'invite_token','type':'text'},"
    " {'name':'role','type':'text'}],"
    " 'key':['id'],'foreign_keys':["
    " {'column':'user_id','table':'auth.users','key':'id'}]},"
    "{'schema':'public','name':'active_users','kind':'v','rows':-1,"
    " 'columns':[{'name':'id','type':'uuid'}],'key':[],'foreign_keys':[]}"
    "]}";

/* A document of one state; %s: trigger, subject, then further members. */
#define DOC(trigger, subject, more)                                         \
    "{'version':1,'key':'k','stage':'engagement','trigger':{" trigger       \
    "},'subject':{" subject "},'entry':{'mode':'every'}," more              \
    "'machine':{'initial':'s0','states':{'s0':{'transitions':[{'effects':[" \
    "{'type':'track'}],'target':'done'}]},'done':{'final':true}}}}"
#define TASKS "'type':'row','table':'public.tasks','op':'insert'"
#define OWNER "'table':'auth.users','id':'creator_id'"

static inline char *
quoted(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text);

    assert_non_null(copy);
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    return copy;
}

static inline struct json *
json_of(struct arena *a, const char *text)
{
    struct json *j = NULL;
    struct error err = {0};
    const char *copy = quoted(a, text);

    if (json_parse(a, copy, strlen(copy), TEST_BYTES, &j, &err) != OK)
        broken("%s: %s", err.msg, copy);
    return j;
}

static inline struct catalog *
saas(struct arena *a)
{
    struct catalog *c = NULL;
    struct error err = {0};

    if (catalog_from_json(a, json_of(a, saas_text), &c, &err) != OK)
        broken("%s", err.msg);
    return c;
}

static inline struct feature *
feature_of(struct arena *a, const char *text)
{
    struct feature *f = NULL;
    struct error err = {0};

    if (feature_parse(a, json_of(a, text), &f, &err) != OK)
        broken("%s: %s", err.msg, text);
    return f;
}

/* Text of a file below templates/, in the arena. */
static inline const char *
template_file(struct arena *a, const char *name)
{
    const char *folder = getenv("SKENE_TEMPLATES");
    const char *path = arena_printf(a, "%s/%s", folder ? folder : ".", name);
    char *text = arena_alloc(a, 65536);
    FILE *f = path ? fopen(path, "re") : NULL;

    assert_non_null(f);
    assert_non_null(text);
    text[fread(text, 1, 65535, f)] = '\0';
    (void)fclose(f);
    return text;
}

#endif
