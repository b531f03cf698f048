/* See trust.h. */
#include "tool/trust.h"

#include "lib/x509/x509.h"
#include "tool/file.h"
#include "tool/tool.h"

static const char *parse(struct slice text, struct buf *anchors)
{
    size_t count;
    switch (pem_certificates(text, anchors, &count)) {
    case OK:
        return NULL;
    case ERR_NOT_FOUND:
        return "holds no certificate in PEM form";
    case ERR_ARGUMENT:
        return "holds something else beside certificates";
    case ERR_MEMORY:
        return "cannot be read: out of memory";
    default:
        return "is damaged: it is not well-formed PEM";
    }
}

bool trust_read(const char *file, struct buf *anchors)
{
    struct buf text;
    buf_init(&text, TRUST_MAX);
    const char *path = file ? file : TRUST_MACHINE;
    const char *why = file_read(path, &text);
    if (why && !file)
        tool_error(
            "%s cannot be read: %s (install ca-certificates, or name another file with --trust)",
            path, why);
    else if (why)
        tool_error("%s cannot be read: %s", path, why);
    const char *wrong = why ? NULL : parse(buf_slice(&text), anchors);
    if (wrong)
        tool_error("%s %s", path, wrong);
    buf_deinit(&text);
    return !why && !wrong;
}
