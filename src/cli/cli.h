/*
 * cli/cli.h - the command line: commands as a table, from which help, the man
 * page and shell completions are printed.
 *
 * A command that needs state is a client of the HTTP API, over the unix socket
 * of the server beside the store or over --server URL.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "runtime/runtime.h"

/* What `skene serve` asks of the program; faces do not include each other, so
 * main.c joins them. */
struct serve_options {
    struct runtime_config runtime;
    const char *listen; /* "" = no TCP */
    const char *unix_socket;
    const char *token_path; /* file of the local token */
    bool announce;          /* print the link with the token (a terminal) */
};

struct cli_faces {
    enum status (*serve)(const struct serve_options *options,
                         struct error *err);
};

/* Runs one command. Returns the exit status: 0 ok, 1 failed or has findings,
 * 2 usage, else as in sysexits. */
int cli_main(int argc, char **argv, const struct cli_faces *faces);

#endif
