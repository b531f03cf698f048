/*
 * Lines for people, on the console: "2026-11-23T02:51:55.123Z info    git: 1234 objects".
 *
 * A source is a room's or program's short name. Levels are set for all sources, or for one
 * (`-l info,git:debug`). Whatever text comes from outside is printed with control bytes escaped.
 * Never log a secret.
 */
#ifndef RUNTIME_LOG_H
#define RUNTIME_LOG_H

#include <stdbool.h>

#include "runtime/err.h"
#include "runtime/slice.h"

enum log_level { LOG_NONE, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#define LOG_SOURCES_MAX 32
#define LOG_SOURCE_MAX  15   /* bytes of a source's name */
#define LOG_LINE_MAX    4096 /* longer lines are cut, and say so */

/* Reads a list such as "info", "*:warning", "info,git:debug"; levels are quiet, error, warning,
 * info, debug. ERR_ARGUMENT leaves all as it was. */
enum err log_configure(struct slice levels);

/* Whether log_configure would take it. */
bool log_levels_valid(struct slice levels);

bool log_wants(enum log_level level, const char *source);

void log_line(enum log_level level, const char *source, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The wall clock as lines begin with it, "2026-11-23T02:51:55.123Z", and a NUL. */
#define LOG_TIME_LEN 24
void log_time(char into[LOG_TIME_LEN + 1]);

/* A line that the caller formatted itself (the access log): as it is, plus a line end. */
void log_raw(struct slice line);

#define log_error(source, ...)   log_line(LOG_ERROR, source, __VA_ARGS__)
#define log_warning(source, ...) log_line(LOG_WARNING, source, __VA_ARGS__)
#define log_info(source, ...)    log_line(LOG_INFO, source, __VA_ARGS__)
#define log_debug(source, ...)                        \
    do {                                              \
        if (log_wants(LOG_DEBUG, source))             \
            log_line(LOG_DEBUG, source, __VA_ARGS__); \
    } while (0)

#endif
