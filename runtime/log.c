/*
 * A line is put together in one place and leaves in one piece, so that lines never mix. Levels per
 * source live in a small table that is searched in order. See log.h.
 */
#include "runtime/log.h"

#include "runtime/date.h"
#include "runtime/format.h"
#include "signatures/clock.h"
#include "signatures/console.h"

#define CUT " ... (cut)"

struct rule {
    char source[LOG_SOURCE_MAX + 1]; /* "": all that no other rule names */
    enum log_level level;
};

struct rules {
    struct rule list[LOG_SOURCES_MAX];
    size_t count;
    enum log_level rest;
};

static struct rules rules = {.rest = LOG_INFO};

static const char *const level_names[] = {
    [LOG_NONE] = "quiet", [LOG_ERROR] = "error", [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",  [LOG_DEBUG] = "debug",
};
#define LEVELS (sizeof level_names / sizeof *level_names)

/* --- levels --- */

static bool parse_level(struct slice text, enum log_level *level)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (slice_is(text, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool parse_rule(struct slice text, struct rules *into)
{
    struct slice source, name;
    enum log_level level;
    bool for_one = slice_cut(text, ':', &source, &name);
    if (!parse_level(slice_trim(for_one ? name : text), &level))
        return false;
    source = slice_trim(source);
    if (!for_one || slice_is(source, "*")) {
        into->rest = level;
        return true;
    }
    if (source.len == 0 || source.len > LOG_SOURCE_MAX || into->count == LOG_SOURCES_MAX)
        return false;
    struct rule *r = &into->list[into->count++];
    memcpy(r->source, source.ptr, source.len);
    r->source[source.len] = 0;
    r->level = level;
    return true;
}

static bool parse_rules(struct slice text, struct rules *into)
{
    struct slice part;
    bool more = true;
    *into = (struct rules){.rest = LOG_INFO};
    while (more) {
        more = slice_cut(text, ',', &part, &text);
        if (!parse_rule(slice_trim(part), into))
            return false;
    }
    return true;
}

bool log_levels_valid(struct slice levels)
{
    struct rules parsed;
    return parse_rules(levels, &parsed);
}

enum err log_configure(struct slice levels)
{
    struct rules parsed;
    if (!parse_rules(levels, &parsed))
        return ERR_ARGUMENT;
    rules = parsed;
    return OK;
}

bool log_wants(enum log_level level, const char *source)
{
    enum log_level most = rules.rest;
    for (size_t i = 0; i < rules.count; i++)
        if (strcmp(rules.list[i].source, source) == 0)
            most = rules.list[i].level; /* the last one that names it counts */
    return level <= most;
}

/* --- time --- */

void log_time(char into[LOG_TIME_LEN + 1])
{
    static char text[LOG_TIME_LEN + 1]; /* the latest; most of it is the same the next time */
    static int64_t latest = INT64_MIN;
    int64_t ms = clock_wall() / (int64_t)CLOCK_MS, second = ms / 1000 - (ms % 1000 < 0);
    if (second != latest) {
        struct date_civil c = date_civil(second);
        format_text(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.000Z", c.year, c.month, c.day,
                    c.hour, c.minute, c.second);
        latest = second;
    }
    memcpy(into, text, sizeof text);
    format_text(into + LOG_TIME_LEN - 4, 5, "%03uZ", (unsigned)(ms - second * 1000));
}

/* --- lines --- */

struct line {
    char text[LOG_LINE_MAX];
    size_t len;
    bool cut;
};

#define ROOM (LOG_LINE_MAX - sizeof CUT - 1) /* for text; the rest for the mark and the line end */

static void put(struct line *l, const char *bytes, size_t len)
{
    if (l->cut || len > ROOM - l->len) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, bytes, len);
    l->len += len;
}

/* A C1 control is C2 80 to C2 9F in UTF-8: its first byte, which may have come with an earlier
 * piece, is taken back. */
static bool ends_control(struct line *l, uint8_t byte)
{
    if (byte < 0x80 || byte > 0x9f || (uint8_t)l->text[l->len - 1] != 0xc2)
        return false;
    l->len--;
    return true;
}

/* Control bytes could forge lines or drive the operator's terminal; so could the C1 controls. */
static void put_escaped(void *arg, const char *piece, size_t len)
{
    struct line *l = arg;
    char escape[8];
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)piece[i];
        if (byte < 0x20 || byte == 0x7f)
            put(l, escape, format_text(escape, sizeof escape, "\\x%02x", byte));
        else if (ends_control(l, byte))
            put(l, escape, format_text(escape, sizeof escape, "\\u%04x", byte));
        else
            put(l, piece + i, 1);
    }
}

static void finish(struct line *l)
{
    if (l->cut) {
        memcpy(l->text + l->len, CUT, sizeof CUT - 1);
        l->len += sizeof CUT - 1;
    }
    l->text[l->len++] = '\n';
    console_write(slice_of(l->text, l->len));
}

void log_line(enum log_level level, const char *source, const char *format, ...)
{
    static struct line line; /* nothing in here calls back, so there is never a second one */
    char time[LOG_TIME_LEN + 1];
    va_list args;
    if (level == LOG_NONE || !log_wants(level, source))
        return;
    line.cut = false;
    log_time(time);
    line.len = format_text(line.text, ROOM, "%s %-7s %.*s: ", time, level_names[level],
                           LOG_SOURCE_MAX, source);
    va_start(args, format);
    format_to(put_escaped, &line, format, args);
    va_end(args);
    finish(&line);
}

void log_raw(struct slice text)
{
    console_write(text);
    console_write(SLICE("\n"));
}
