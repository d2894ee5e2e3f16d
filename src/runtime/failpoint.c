#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/parts.h"

void
failpoint(const char *name)
{
    /* Nothing in the program changes the environment once threads run. */
    const char *spec =
        getenv("SKENE_FAILPOINT"); /* NOLINT(concurrency-mt-unsafe) */

    if (!spec)
        return;
    size_t n = strlen(name);
    if (strncmp(spec, name, n) == 0 && strcmp(spec + n, ":kill") == 0)
        (void)kill(getpid(), SIGKILL);
}
