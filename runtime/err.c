/* Reasons in words; see err.h. */
#include "runtime/err.h"

static const char *const texts[ERR_COUNT_] = {
    [OK] = "no error",
    [ERR_AGAIN] = "not ready yet",
    [ERR_FULL] = "limit reached",
    [ERR_MEMORY] = "out of memory",
    [ERR_MALFORMED] = "malformed",
    [ERR_MISMATCH] = "does not match",
    [ERR_LIMIT] = "too large",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_NOT_FOUND] = "not found",
    [ERR_EXISTS] = "already exists",
    [ERR_DENIED] = "permission denied",
    [ERR_TIMEOUT] = "timed out",
    [ERR_CLOSED] = "closed",
    [ERR_RESET] = "connection reset",
    [ERR_REFUSED] = "connection refused",
    [ERR_UNREACHABLE] = "unreachable",
    [ERR_CANCELLED] = "cancelled",
    [ERR_ARGUMENT] = "not permitted here",
    [ERR_IO] = "input or output error",
};

const char *err_text(enum err e)
{
    if ((unsigned)e >= ERR_COUNT_ || !texts[e])
        return "unknown reason";
    return texts[e];
}
