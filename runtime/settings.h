/*
 * Settings: what an operator may choose, declared once, typed.
 *
 * A program lists its settings in tables; the same tables make the help text, read the command
 * line (or a kernel's boot arguments), and read and write a configuration. Precedence: arguments
 * override configured values, which override defaults.
 *
 * The forms on a command line: --name VALUE, --name=VALUE, -n VALUE, -nVALUE; for a bool, and where
 * the setting says so, also --name alone.
 */
#ifndef RUNTIME_SETTINGS_H
#define RUNTIME_SETTINGS_H

#include "runtime/address.h"
#include "runtime/buf.h"

enum setting_type {
    SETTING_TEXT,    /* struct slice */
    SETTING_BOOL,    /* bool: true|false, yes|no, on|off */
    SETTING_PORT,    /* uint16_t: 1..65535 (0: not set, where the default is "") */
    SETTING_SECONDS, /* uint32_t: 0..31536000 */
    SETTING_NUMBER,  /* uint32_t: 0..4294967295 */
    SETTING_ADDRESS  /* struct address; all zero when not set */
};

struct setting {
    const char *name;   /* "hook-secret" */
    char letter;        /* 'r' for -r, or 0 */
    bool secret;        /* never printed: not by help, describe, logs or errors */
    const char *value;  /* what stands for the value in the help, "URL" */
    const char *help;   /* one sentence or two, without a full stop at the end of the last */
    const char *preset; /* the default as text; "" is "not set" */
    const char *alias;  /* another name from of old, or NULL */
    const char *bare;   /* the value of an argument that is the name alone, or NULL: it needs one */
    enum setting_type type;
    /* A check beyond the type: returns NULL or what is allowed ("a path that starts with /"). */
    const char *(*check)(struct slice text);
    void *into; /* where the value goes; type as above */
};

/* One heading of the help text with its settings. The last table entry of a program is NULL. */
struct setting_group {
    const char *title;
    const struct setting *settings;
    size_t count;
    /* Whether the values go together, once all have been read: ERR_ARGUMENT, with a line; or NULL. */
    enum err (*check)(struct buf *error);
};

#define SETTINGS_ERROR_MAX 512 /* bytes of one line that explains a refusal */

/* Sets every value to its default. Presets that do not pass their own check panic. */
void settings_preset(const struct setting_group *const *groups);

/* Finds by long name or alias; NULL if there is none. */
const struct setting *settings_find(const struct setting_group *const *groups, struct slice name);

/* Checks and stores one value. Texts are not copied: they must live as long as the program.
 * Otherwise ERR_ARGUMENT, and a line in `error` that names setting, value (not of a secret) and
 * what is allowed. */
enum err settings_set(const struct setting *s, struct slice text, struct buf *error);

/* Reads arguments (without the program's name). `seen` is told each setting with its text, after
 * it was stored; it may be NULL. ERR_NOT_FOUND for one that nobody declared, with a line. */
enum err settings_arguments(const struct setting_group *const *groups, size_t count,
                            const char *const *arguments,
                            void (*seen)(void *arg, const struct setting *s, struct slice text),
                            void *arg, struct buf *error);

/* What is to be asked when all settings have been read: whether those of each group go together. */
enum err settings_check(const struct setting_group *const *groups, struct buf *error);

/* A configuration is text: lines `name = value`, '#' comments; a value is taken as it stands, with
 * the escapes \n \r \\ (it is then copied, to memory that stays taken). Unknown names are errors that
 * say the line. */
enum err settings_configuration(const struct setting_group *const *groups, struct slice text,
                                struct buf *error);
void settings_write_line(struct buf *into, const struct setting *s, struct slice text);

/* Whether a value holds what nobody else may know: it is a secret, or a URL with a name or password. */
bool settings_is_secret(const struct setting *s, struct slice text);

/* A value as it may be shown: nothing of a secret, and a URL without its name and password. */
void settings_put_value(struct buf *into, const struct setting *s, struct slice text);

/* The help text: usage ("canopy [SETTING]..."), every group with its settings, defaults. 80 columns
 * at most. */
void settings_help(struct buf *into, const char *usage, const struct setting_group *const *groups);

/* --- the setting that all programs share: which log lines to print --- */

extern const struct setting_group settings_logs_group; /* -l, --logs LEVELS */
extern struct slice
    settings_logs; /* its value, for log_configure; empty where it is not declared */

#endif
