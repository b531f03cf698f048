/*
 * `ringlet configure`: checks a program's settings and writes them, with the content to bake in, to
 * the folder from which the program is built (.ringlet; see mk/app.mk).
 *
 * Each call says everything: what was configured before and is not named again is gone.
 */
#include "runtime/settings_network.h"
#include "signatures/program.h"
#include "tool/content.h"
#include "tool/deploy.h"
#include "tool/file.h"
#include "tool/keyfolder.h"
#include "tool/target.h"
#include "tool/tool.h"
#include "tool/trust.h"
#include "tool/vm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_BYTES_MAX (1u << 20)

struct configuration {
    const char *to; /* folder, or NULL: .ringlet of the program */
    const char *target_name;
    const struct target *target;
    const char *content; /* or NULL */
    const char *tls_dir; /* or NULL: tls of the program */
    const char *trust;   /* or NULL: whom the building machine trusts */
    const char *memory;  /* or NULL: VM_MEMORY */
    const char *bridge;
    bool too_long;
    bool boot_args;      /* settings are also boot arguments in the files of deployment */
    bool secret;         /* one of the settings is */
    unsigned mib;        /* of memory */
    struct buf line;     /* those boot arguments, as one line */
    struct buf settings; /* text of the settings file */
    struct buf anchors;
    struct keyfolder keys;
};

static const char usage[] =
    "ringlet configure [OPTION...]\n"
    "\n"
    "  --target TARGET     What to build for: process (a Linux process; also --unix),\n"
    "                      kvm (a virtual machine of QEMU, Firecracker and others\n"
    "                      with virtio; also --kvm), xen (a guest of Xen; also\n"
    "                      --xen), or any, for both (also --any)\n"
    "  --content SOURCE    Bake in a git repository (SOURCE#BRANCH, with its\n"
    "                      history), a bundle, or a plain folder\n"
    "  --tls-dir DIR       Take keys and certificates from there instead of the\n"
    "                      program's tls: server.key with server.pem (a chain),\n"
    "                      HOST.key with HOST.pem for further names\n"
    "  --memory MEM        Of a virtual machine: MiB, or as in 2G (default: 32)\n"
    "  --bridge NAME       What its network card is connected to (default: br0)\n"
    "  --boot-args         Write the settings, but for secrets, also as boot arguments\n"
    "                      into the files that describe the machine, to be changed\n"
    "                      there\n"
    "  --trust FILE        Whom to trust at https://: certificates in PEM form,\n"
    "                      instead of those that this machine trusts\n"
    "  --to DIR            Write here instead of the program's .ringlet\n"
    "  --no-depend         Do not install or fetch anything (--no-opam)\n"
    "  -C DIR              The program's folder\n"
    "\n"
    "The settings of the program; start-up arguments override them:";

/* Where the value of one of our own options goes; NULL for other arguments. */
static const char **find_own(struct configuration *c, const char *argument, size_t name)
{
    const struct {
        const char *name;
        const char **into;
    } own[] = {
        {"--to", &c->to},           {"--target", &c->target_name}, {"--content", &c->content},
        {"--tls-dir", &c->tls_dir}, {"--trust", &c->trust},        {"--memory", &c->memory},
        {"--bridge", &c->bridge},
    };
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strlen(own[i].name) == name && memcmp(own[i].name, argument, name) == 0)
            return own[i].into;
    return NULL;
}

/* Takes our own options out of the arguments; what is left is the program's. */
static int take_own(struct configuration *c, int argc, char **argv, const char **rest, size_t *left)
{
    *left = 0;
    for (int i = 0; i < argc; i++) {
        size_t name = strcspn(argv[i], "=");
        const char **into = find_own(c, argv[i], name);
        if (into && argv[i][name] == '=')
            *into = argv[i] + name + 1;
        else if (into && i + 1 < argc)
            *into = argv[++i];
        else if (into) {
            tool_error("%s needs a value", argv[i]);
            return 2;
        } else if (strcmp(argv[i], "--boot-args") == 0)
            c->boot_args = true;
        else if (target_of_option(argv[i]))
            c->target_name = target_of_option(argv[i])->name;
        else
            rest[(*left)++] = argv[i];
    }
    return 0;
}

static bool check_own(struct configuration *c)
{
    c->target = target_find(c->target_name);
    bool memory = vm_memory_parse(c->memory, &c->mib);
    if (!c->target)
        tool_error("--target: '%s' is not a target: process, kvm, xen or any", c->target_name);
    if (!memory)
        tool_error("--memory: '%s' is not a number of MiB (4 to 1048576), or as in 2G", c->memory);
    bool bridge = deploy_bridge_is(c->bridge);
    if (!bridge)
        tool_error(
            "--bridge: '%s' is not the name of a bridge (letters, digits, . _ -; 15 at most)",
            c->bridge);
    return c->target && memory && bridge;
}

static void note_setting(void *arg, const struct setting *s, struct slice text)
{
    struct configuration *c = arg;
    bool secret = settings_is_secret(s, text);
    c->secret |= secret;
    settings_write_line(&c->settings, s, text);
    if (c->boot_args && !secret) {
        char *word = tool_text("--%s=%.*s", s->name, SLICE_ARG(text));
        if (c->line.len)
            buf_byte(&c->line, ' ');
        c->too_long |= !vm_command_line((const char *const *)&word, 1, &c->line);
        free(word);
    }
}

/* --- keys, and whom to trust --- */

/* Whether the program, as it is configured now, is to have keys: by its setting "tls", or, where it
 * has no such choice, whenever there are some. */
static bool wants_keys(const char *folder)
{
    const struct setting *s = settings_find(program_settings, SLICE("tls"));
    return s ? *(const uint16_t *)s->into != 0 : keyfolder_has_files(folder);
}

static bool read_keys(struct configuration *c, const char *folder, const char *content)
{
    struct buf bundle;
    buf_init(&bundle, SIZE_MAX);
    const char *why = c->content ? file_read(content, &bundle) : NULL;
    if (why)
        tool_error("%s cannot be read: %s", content, why);
    bool done = !why && keyfolder_read(folder, buf_slice(&bundle), &c->keys);
    buf_deinit(&bundle);
    return done;
}

/* Where none are, a pair to try it with is made: but not where the folder's name may be mistyped. */
static bool make_keys(const struct configuration *c, const char *folder)
{
    if (c->tls_dir && access(folder, F_OK) != 0) {
        tool_error("--tls-dir: %s: %s", folder, strerror(errno));
        return false;
    }
    if (!keyfolder_make(folder))
        return false;
    printf("made %s/server.key, with a certificate for localhost signed by itself\n", folder);
    return true;
}

static bool prepare_keys(struct configuration *c, const char *content)
{
    char *folder =
        c->tls_dir ? tool_text("%s", c->tls_dir) : tool_text("%s/tls", getenv("RINGLET_APP_DIR"));
    bool done = true, there = keyfolder_has_files(folder);
    if (!wants_keys(folder)) {
        if (there)
            tool_error("warning: the keys in %s are not used: HTTPS is off (--tls PORT)", folder);
    } else {
        done = (there || make_keys(c, folder)) && read_keys(c, folder, content);
    }
    free(folder);
    return done;
}

/* A program that can be told whom to trust is told, unless it was given a pin instead. */
static bool prepare_anchors(struct configuration *c)
{
    const struct setting *s = settings_find(program_settings, SLICE("authenticator"));
    bool wanted = s && ((const struct slice *)s->into)->len == 0;
    if (!wanted && !c->trust)
        return true;
    if (!c->trust && access(TRUST_MACHINE, R_OK) != 0) {
        tool_error("warning: %s is not there: the program will trust nobody at https:// (install "
                   "ca-certificates, or name a file with --trust)",
                   TRUST_MACHINE);
        return true;
    }
    return trust_read(c->trust, &c->anchors);
}

/* --- writing --- */

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

/* A part of the configuration: an empty one is not there. */
static bool write_part(const char *folder, const char *name, struct slice bytes)
{
    char *path = tool_text("%s/%s", folder, name);
    bool done = true;
    if (bytes.len == 0)
        unlink(path);
    else
        done = file_replace(path, S_IRUSR | S_IWUSR, &bytes, 1);
    free(path);
    return done;
}

/* Of the machine that `ringlet run` makes. */
static bool write_memory(const struct configuration *c, const char *folder)
{
    char *text = tool_text("%u", c->mib);
    bool done = write_part(folder, "memory", slice_text(text));
    free(text);
    return done;
}

/* For whoever makes the image (mk/app.mk): it is its owner's alone. */
static struct slice secret_note(const struct configuration *c)
{
    return slice_text(c->secret ? "The settings hold a secret.\n" : "");
}

static bool move_content(const struct configuration *c, const char *fresh, const char *path)
{
    if (!c->content) {
        unlink(path);
        return true;
    }
    if (rename(fresh, path) == 0)
        return true;
    tool_error("cannot write %s: %s", path, strerror(errno));
    return false;
}

/* Everything that can be refused is looked at first: then the old configuration stays as it was. */
static bool write_parts(struct configuration *c, const char *folder)
{
    char *path = tool_text("%s/content", folder);
    char *fresh = tool_text("%s.new", path);
    bool done = (!c->content || content_bundle(c->content, fresh)) && prepare_keys(c, fresh) &&
                prepare_anchors(c) && move_content(c, fresh, path) &&
                write_part(folder, "anchors", buf_slice(&c->anchors)) &&
                write_part(folder, "keys", buf_slice(&c->keys.keys)) &&
                write_part(folder, "certs", buf_slice(&c->keys.certs)) &&
                write_part(folder, "target", slice_text(c->target->name)) &&
                write_memory(c, folder) && write_part(folder, "secret", secret_note(c)) &&
                write_part(folder, "settings", buf_slice(&c->settings));
    if (!done)
        unlink(fresh);
    free(fresh);
    free(path);
    return done;
}

/* --- whoever starts machines --- */

static unsigned cards(void)
{
    const struct setting *s = settings_find(program_settings, SLICE("network"));
    return s ? *(const uint32_t *)s->into + 1 : 0;
}

/* Beside the image: where a configuration has a folder of its own, so is the image (mk/app.mk). */
static bool deploy(struct configuration *c)
{
    struct deploy d = {.program = getenv("RINGLET_APP"),
                       .target = c->target,
                       .memory = c->mib,
                       .bridge = c->bridge,
                       .cards = cards(),
                       .arguments = buf_slice(&c->line)};
    if (!c->target->alone)
        return true;
    char *folder = c->to ? tool_text("%s", c->to) : tool_text("%s/dist", getenv("RINGLET_APP_DIR"));
    char *whole = make_folder(folder) ? realpath(folder, NULL) : NULL;
    d.folder = whole;
    bool done = whole && deploy_write(&d);
    free(whole);
    free(folder);
    return done;
}

static int write_configuration(struct configuration *c)
{
    char *folder =
        c->to ? tool_text("%s", c->to) : tool_text("%s/.ringlet", getenv("RINGLET_APP_DIR"));
    bool done = make_folder(folder) && write_parts(c, folder) && deploy(c);
    if (done)
        printf("configured %s for %s in %s\n", getenv("RINGLET_APP"), c->target->name, folder);
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

/* What the program's settings ask of the machine that it is to run in. */
static enum err check_machine(const struct configuration *c, struct buf *error)
{
    struct slice tap;
    if (c->target->alone && settings_network_tap(&tap))
        buf_printf(error, "--net: a machine has a card of its own; tap:%.*s is for a Linux process",
                   SLICE_ARG(tap));
    else if (cards() > DEPLOY_CARDS_MAX)
        buf_printf(error, "--network: a machine has %u network cards at most", DEPLOY_CARDS_MAX);
    else if (c->too_long)
        buf_text(error, "--boot-args: the settings do not fit on a machine's command line");
    return error->len ? ERR_ARGUMENT : OK;
}

static int configure(struct configuration *c, const char **arguments, size_t count)
{
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    settings_preset(program_settings);
    buf_text(&c->settings, "# Written by ringlet configure.\n");
    int status = 2;
    enum err e = settings_arguments(program_settings, count, arguments, note_setting, c, &error);
    if (!e)
        e = settings_check(program_settings, &error);
    if (!e)
        e = check_machine(c, &error);
    if (e)
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
    struct configuration c = {.target_name = "process", .memory = "32", .bridge = DEPLOY_BRIDGE};
    const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
    size_t left;
    if (!rest)
        return 1;
    buf_init(&c.settings, SETTINGS_BYTES_MAX);
    buf_init(&c.anchors, TRUST_MAX);
    buf_init(&c.line, SETTINGS_BYTES_MAX);
    int status = take_own(&c, argc, argv, rest, &left);
    if (status == 0)
        status = check_own(&c) ? configure(&c, rest, left) : 2;
    buf_deinit(&c.settings);
    buf_deinit(&c.line);
    buf_deinit(&c.anchors);
    keyfolder_wipe(&c.keys);
    free(rest);
    return status;
}
