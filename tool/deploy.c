/* See deploy.h. */
#include "tool/deploy.h"

#include "runtime/buf.h"
#include "tool/file.h"
#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t)64 * 1024)
#define BRIDGE_MAX     15u /* as Linux has it */
#define BRIDGE_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

typedef void quoting(struct buf *into, struct slice text);

/* --- how a value is written where it goes --- */

static void quote_shell(struct buf *into, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\'')
            buf_text(into, "'\\''");
        else
            buf_byte(into, text.ptr[i]);
}

static void quote_xl(struct buf *into, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'' || text.ptr[i] == '\\')
            buf_byte(into, '\\');
        buf_byte(into, text.ptr[i]);
    }
}

static void quote_xml(struct buf *into, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '<')
            buf_text(into, "&lt;");
        else if (text.ptr[i] == '&')
            buf_text(into, "&amp;");
        else if (text.ptr[i] == '\'')
            buf_text(into, "&apos;");
        else
            buf_byte(into, text.ptr[i]);
}

/* --- a template's words --- */

/* What stands for one of them, in memory that the caller frees; NULL: there is no such word. */
static char *value(const struct deploy *d, struct slice word)
{
    if (slice_is(word, "NAME"))
        return tool_text("%s", d->program);
    if (slice_is(word, "FILE"))
        return tool_text("%s%s", d->program, d->target->suffix);
    if (slice_is(word, "KERNEL"))
        return tool_text("%s/%s%s", d->folder, d->program, d->target->suffix);
    if (slice_is(word, "MEMORY"))
        return tool_text("%u", d->memory);
    if (slice_is(word, "BRIDGE"))
        return tool_text("%s", d->cards ? d->bridge : "");
    if (slice_is(word, "ARGUMENTS"))
        return tool_text("%.*s", SLICE_ARG(d->arguments));
    return NULL;
}

/* The list of cards is xl's alone, and has quotes of its own. */
static void put_cards(const struct deploy *d, struct buf *into)
{
    for (unsigned i = 0; i < d->cards; i++) {
        buf_text(into, i ? ", 'bridge=" : "'bridge=");
        quote_xl(into, slice_text(d->bridge));
        buf_byte(into, '\'');
    }
}

/* Whether the line is to stay: every value in it is there. */
static bool put_line(const struct deploy *d, struct slice line, quoting *quote, struct buf *into)
{
    struct slice before, word, rest;
    bool whole = true;
    while (slice_cut(line, '@', &before, &rest) && slice_cut(rest, '@', &word, &rest)) {
        bool cards = slice_is(word, "VIF");
        char *text = cards ? NULL : value(d, word);
        buf_put(into, before);
        size_t length = into->len;
        if (cards)
            put_cards(d, into);
        else if (text)
            quote(into, slice_text(text));
        whole = whole && into->len > length;
        free(text);
        line = rest;
    }
    buf_put(into, line);
    buf_byte(into, '\n');
    return whole;
}

/* A line for a bridge is one for each card. The shell's own lines are always whole. */
static void fill(const struct deploy *d, struct slice template, quoting *quote, struct buf *into)
{
    struct slice line;
    while (slice_line(&template, &line)) {
        bool bridge = slice_search(line, SLICE("@BRIDGE@")) < line.len;
        for (unsigned i = 0; i < (bridge ? d->cards : 1); i++) {
            size_t begin = into->len;
            if (!put_line(d, line, quote, into) && quote != quote_shell)
                into->len = begin;
        }
    }
}

/* --- files --- */

static bool read_template(const char *name, struct buf *into)
{
    char *path = tool_text("%s/tool/deploy/%s", getenv("RINGLET_ROOT"), name);
    const char *why = file_read(path, into);
    if (why)
        tool_error("%s cannot be read: %s", path, why);
    free(path);
    return !why;
}

static bool write_file(const struct deploy *d, const char *suffix, mode_t mode, struct slice bytes)
{
    char *path = tool_text("%s/%s%s", d->folder, d->program, suffix);
    bool done = file_replace(path, mode, &bytes, 1);
    if (done)
        printf("wrote %s\n", path);
    free(path);
    return done;
}

/* A template for its own sake keeps its words, but for lines that are not wanted. */
static void keep(const struct deploy *d, struct slice template, struct buf *into)
{
    struct slice line;
    while (slice_line(&template, &line)) {
        bool dropped = (slice_search(line, SLICE("@ARGUMENTS@")) < line.len && !d->arguments.len) ||
                       (slice_search(line, SLICE("@VIF@")) < line.len && !d->cards);
        if (dropped)
            continue;
        buf_put(into, line);
        buf_byte(into, '\n');
    }
}

static bool make(const struct deploy *d, const char *name, const char *suffix, mode_t mode,
                 quoting *quote)
{
    struct buf template, text;
    buf_init(&template, FILE_BYTES_MAX);
    buf_init(&text, FILE_BYTES_MAX);
    bool done = read_template(name, &template);
    if (done && quote)
        fill(d, buf_slice(&template), quote, &text);
    else if (done)
        keep(d, buf_slice(&template), &text);
    done = done && write_file(d, suffix, mode, buf_slice(&text));
    buf_deinit(&template);
    buf_deinit(&text);
    return done;
}

bool deploy_bridge_is(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= BRIDGE_MAX && name[strspn(name, BRIDGE_LETTERS)] == '\0';
}

bool deploy_write(const struct deploy *d)
{
    bool done = true;
    if (d->target->qemu)
        done = make(d, "sh.in", ".sh", 0755, quote_shell) &&
               make(d, "kvm.xml.in", ".kvm.xml", 0644, quote_xml);
    if (done && d->target->xen)
        done = make(d, "xl.in", ".xl", 0644, quote_xl) && make(d, "xl.in", ".xl.in", 0644, NULL) &&
               make(d, "xen.xml.in", ".xen.xml", 0644, quote_xml);
    return done;
}
