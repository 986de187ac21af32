/* What a plugin prints goes to its log, line by line. */
#define _GNU_SOURCE
#include "inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void line(int stream, const char *format, va_list arguments) {
    char *text = NULL;
    int size = vasprintf(&text, format, arguments);
    if (size < 0) {
        return;
    }
    /* The zero byte behind the text becomes the end of the line. */
    text[size] = '\n';
    const char *rest = text;
    size_t left = (size_t)size + 1;
    while (left > 0) {
        ssize_t written = write(stream, rest, left);
        if (written <= 0) {
            break;
        }
        rest += written;
        left -= (size_t)written;
    }
    free(text);
}

void holdline_log_info(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line(STDOUT_FILENO, format, arguments);
    va_end(arguments);
}

void holdline_log_warn(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line(STDERR_FILENO, format, arguments);
    va_end(arguments);
}

#ifdef __wasm__
/* An instance may end with its event, and a worker never does: what was printed must not wait in a buffer of the C library
 * for more. The library is there only if the plugin prints with it, so that the others stay small. */
extern FILE *const stdout __attribute__((__weak__));

__attribute__((__constructor__)) static void end_each_line(void) {
    if (&stdout != NULL) {
        setvbuf(stdout, NULL, _IOLBF, 0);
    }
}

void holdline_flush(void) {
    if (&stdout != NULL) {
        fflush(stdout);
    }
}
#endif
