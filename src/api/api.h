/*
 * api/api.h - the HTTP face of `skene serve`: routes as a table, OpenAPI
 * printed from it, the plain log page.
 *
 * Who may do what: whoever can open the unix socket (0600) is the owner of the
 * default workspace. Over TCP everything is denied but what the route table
 * calls public or guards with an ingest secret; the local token, kept in a
 * 0600 file beside the store, opens what a viewer may read.
 */
#ifndef API_API_H
#define API_API_H

#include "runtime/runtime.h"

struct api; /* opaque */

/* Strings are copied. */
struct api_config {
    struct runtime *rt;
    const char *listen;      /* "127.0.0.1:8787"; NULL or "" = no TCP */
    const char *unix_socket; /* NULL = none */
    const char *token;       /* local token, TOKEN_TEXT_BYTES at least */
    const char *public_url;  /* its host is accepted too; NULL */
    int threads;             /* of the HTTP pool; 0 = 2 */
};

/* Owns:   caller; api_stop().
 * Errors: E_IO address in use, E_INPUT, E_NOMEM. */
CHECKED enum status api_start(const struct api_config *config, struct api **out,
                              struct error *err);
int api_port(const struct api *api); /* bound TCP port; 0 = none */
/* Stops accepting, lets requests in hand finish, joins the threads. Call it
 * before runtime_stop(). */
void api_stop(struct api *api); /* NULL is allowed */

/* Reads the local token, or makes it (0600) when the file is not there.
 * Errors: E_IO; E_INPUT for a file that others may read or that is too
 *         short. */
CHECKED enum status api_token_load(struct arena *a, const char *path,
                                   const char **out, struct error *err);

#endif
