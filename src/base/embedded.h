/*
 * base/embedded.h - files that are part of the program (tools/embed.py).
 */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

/* Row of a table that ends with a NULL name. A NUL follows the last byte. */
struct embedded {
    const char *name; /* file name without its folder */
    const char *from, *end;
};

#endif
