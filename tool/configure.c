/*
 * `ringlet configure`: checks a program's settings and writes them, with the content to bake in, to
 * the folder from which the program is built (.ringlet; see mk/app.mk).
 *
 * Each call says everything: what was configured before and is not named again is gone.
 */
#include "runtime/settings.h"
#include "signatures/program.h"
#include "tool/content.h"
#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_BYTES_MAX (1u << 20)

struct configuration {
    const char *to; /* folder, or NULL: .ringlet of the program */
    const char *target;
    const char *content; /* or NULL */
    struct buf settings; /* text of the settings file */
};

static const char usage[] =
    "ringlet configure [OPTION...]\n"
    "\n"
    "  --target process    What to build for (--unix is the same)\n"
    "  --content SOURCE    Bake in a git repository (SOURCE#BRANCH, with its\n"
    "                      history) or a plain folder\n"
    "  --to DIR            Write here instead of the program's .ringlet\n"
    "  --no-depend         Do not install or fetch anything (--no-opam)\n"
    "  -C DIR              The program's folder\n"
    "\n"
    "The settings of the program; start-up arguments override them:";

/* Takes our own options out of the arguments; what is left is the program's. */
static int take_own(struct configuration *c, int argc, char **argv, const char **rest, size_t *left)
{
    *left = 0;
    for (int i = 0; i < argc; i++) {
        const char **into = NULL;
        size_t name = strcspn(argv[i], "=");
        if (strncmp(argv[i], "--to", name) == 0 && name == 4)
            into = &c->to;
        else if (strncmp(argv[i], "--target", name) == 0 && name == 8)
            into = &c->target;
        else if (strncmp(argv[i], "--content", name) == 0 && name == 9)
            into = &c->content;
        else if (strcmp(argv[i], "--unix") == 0)
            c->target = "process";
        else
            rest[(*left)++] = argv[i];
        if (into && argv[i][name] == '=')
            *into = argv[i] + name + 1;
        else if (into && i + 1 < argc)
            *into = argv[++i];
        else if (into) {
            tool_error("%s needs a value", argv[i]);
            return 2;
        }
    }
    if (strcmp(c->target, "process") != 0) {
        tool_error("--target: '%s' is not a target: process", c->target);
        return 2;
    }
    return 0;
}

static void note_setting(void *arg, const struct setting *s, struct slice text)
{
    struct configuration *c = arg;
    settings_write_line(&c->settings, s, text);
}

static bool write_new(const char *path, struct slice bytes)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    bool done = fchmod(fileno(f), S_IRUSR | S_IWUSR) == 0 &&
                fwrite(bytes.ptr, 1, bytes.len, f) == bytes.len;
    return fclose(f) == 0 && done;
}

/* The new file takes the old one's place, whole. */
static bool replace(const char *fresh, const char *path)
{
    if (rename(fresh, path) == 0)
        return true;
    tool_error("cannot write %s: %s", path, strerror(errno));
    return false;
}

static bool write_settings(const struct configuration *c, const char *path, const char *fresh)
{
    if (write_new(fresh, buf_slice(&c->settings)))
        return replace(fresh, path);
    tool_error("cannot write %s: %s", fresh, strerror(errno));
    return false;
}

static bool write_content(const struct configuration *c, const char *path, const char *fresh)
{
    if (c->content)
        return content_bundle(c->content, fresh) && replace(fresh, path);
    unlink(path);
    return true;
}

/* Writes a file of the configuration beside its place first, so that a failure leaves the old. */
static bool write_file(const struct configuration *c, const char *folder, const char *name,
                       bool (*write)(const struct configuration *, const char *, const char *))
{
    char *path = tool_text("%s/%s", folder, name);
    char *fresh = tool_text("%s.new", path);
    bool done = write(c, path, fresh);
    if (!done)
        unlink(fresh);
    free(fresh);
    free(path);
    return done;
}

static bool make_folder(const char *path)
{
    char *partial = tool_text("%s", path);
    for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(partial, 0777);
        *slash = '/';
    }
    bool done = mkdir(partial, 0777) == 0 || errno == EEXIST;
    if (!done)
        tool_error("cannot make the folder %s: %s", path, strerror(errno));
    free(partial);
    return done;
}

/* The content first: when it cannot be had, the old configuration stays as it was. */
static int write_configuration(struct configuration *c)
{
    char *folder =
        c->to ? tool_text("%s", c->to) : tool_text("%s/.ringlet", getenv("RINGLET_APP_DIR"));
    bool done = make_folder(folder) && write_file(c, folder, "content", write_content) &&
                write_file(c, folder, "settings", write_settings);
    if (done)
        printf("configured %s for %s in %s\n", getenv("RINGLET_APP"), c->target, folder);
    free(folder);
    return done ? 0 : 1;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static void print_help(void)
{
    struct buf text;
    buf_init(&text, SETTINGS_BYTES_MAX);
    settings_help(&text, usage, program_settings);
    fwrite(text.ptr, 1, text.len, stdout);
    buf_deinit(&text);
}

static int configure(struct configuration *c, const char **arguments, size_t count)
{
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    settings_preset(program_settings);
    buf_text(&c->settings, "# Written by ringlet configure.\n");
    int status = 2;
    if (settings_arguments(program_settings, count, arguments, note_setting, c, &error) != OK)
        tool_error("%.*s", SLICE_ARG(buf_slice(&error)));
    else
        status = write_configuration(c);
    buf_deinit(&error);
    return status;
}

int tool_configure(int argc, char **argv)
{
    if (wants_help(argc, argv)) {
        print_help();
        return 0;
    }
    struct configuration c = {.target = "process"};
    const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
    size_t left;
    if (!rest)
        return 1;
    buf_init(&c.settings, SETTINGS_BYTES_MAX);
    int status = take_own(&c, argc, argv, rest, &left);
    if (status == 0)
        status = configure(&c, rest, left);
    buf_deinit(&c.settings);
    free(rest);
    return status;
}
