/*
 * The program: joins the faces. `skene serve` is the command line's command
 * and the API's server, and faces do not include each other.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "cli/cli.h"

enum { GRACE_MS = 5000, SERVE_ARENA_BYTES = 64 * 1024 };

static void
leave(int signal_number)
{
    _exit(128 + signal_number);
}

static enum status
signals_block(sigset_t *set, int *fd, struct error *err)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    /* Before the first thread, so that all inherit it. */
    if (pthread_sigmask(SIG_BLOCK, set, NULL) != 0 ||
        (*fd = signalfd(-1, set, SFD_CLOEXEC)) < 0)
        return fail(err, E_IO, "cannot set up signals");
    return OK;
}

/* Returns at the first signal; the next one ends the program at once. */
static void
signal_wait(const sigset_t *set, int fd)
{
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        ;
    (void)close(fd);
    (void)signal(SIGTERM, leave);
    (void)signal(SIGINT, leave);
    (void)pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

/* http://HOST:PORT as bound: the port may have been 0. */
static const char *
url_of(struct arena *a, const struct serve_options *o, int port)
{
    const char *colon = strrchr(o->listen, ':');

    if (!*o->listen || !colon)
        return "";
    return arena_printf(a, "http://%.*s:%d", (int)(colon - o->listen),
                        o->listen, port);
}

static enum status
serve_until_signal(struct runtime *rt, const struct serve_options *o,
                   const sigset_t *set, int fd, struct error *err)
{
    AUTO_ARENA a = arena_new(SERVE_ARENA_BYTES);
    struct api *api = NULL;
    struct api_config config = {.rt = rt,
                                .listen = o->listen,
                                .unix_socket = o->unix_socket,
                                .public_url = o->runtime.public_url};
    enum status rc = a ? api_token_load(a, o->token_path, &config.token, err)
                       : fail(err, E_NOMEM, "serve");

    if (rc == OK)
        rc = api_start(&config, &api, err);
    if (rc != OK)
        return rc;
    const char *url = url_of(a, o, api_port(api));
    rc = runtime_begin_sending(rt, url, err);
    if (rc != OK) {
        api_stop(api);
        return rc;
    }
    log_event(&o->runtime.log, LEVEL_INFO, "listening", "url", url, "socket",
              o->unix_socket, "store", o->runtime.store_url, NULL);
    if (o->announce && *url)
        (void)fprintf(stderr, "live log: %s/?token=%s\n", url, config.token);
    signal_wait(set, fd);
    log_event(&o->runtime.log, LEVEL_INFO, "stopping", NULL);
    api_stop(api);
    return OK;
}

static enum status
serve(const struct serve_options *o, struct error *err)
{
    struct runtime *rt = NULL;
    sigset_t set;
    int fd = -1;
    enum status rc = signals_block(&set, &fd, err);

    if (rc == OK)
        rc = runtime_start(&o->runtime, &rt, err);
    if (rc == OK)
        rc = serve_until_signal(rt, o, &set, fd, err);
    runtime_stop(rt, GRACE_MS);
    if (rc == OK)
        log_event(&o->runtime.log, LEVEL_INFO, "stopped", NULL);
    return rc;
}

int
main(int argc, char **argv)
{
    return cli_main(argc, argv, &(struct cli_faces){.serve = serve});
}
