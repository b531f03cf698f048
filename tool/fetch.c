/*
 * ringlet fetch URL[#BRANCH] DIR: what a git remote holds, written into a new or empty folder.
 *
 * The same fetch and store that run inside of an image, on this machine. Prints "COMMIT REF" when
 * all of it is there.
 */
#include "lib/git/fetch.h"
#include "platform/process/network.h"
#include "runtime/loop.h"
#include "runtime/settings_network.h"
#include "signatures/clock.h"
#include "tool/checkout.h"
#include "tool/tool.h"
#include "tool/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRESS_EVERY (100 * CLOCK_MS)
#define LINE_MAX_SHOWN 78

struct job {
    struct store *store;
    struct store_pack *pack;
    struct oid commit;
    char ref[GIT_REF_NAME_MAX + 1];
    bool terminal;   /* progress is shown */
    bool said;       /* a line of it stands there */
    uint64_t latest; /* when it was written */
    enum err why;
};

/* --- Progress: one line, written over and over ----------------------------------------------- */

static void show(struct job *j, const char *line)
{
    if (!j->terminal)
        return;
    fprintf(stderr, "\r\033[K%.*s", LINE_MAX_SHOWN, line);
    j->said = true;
    j->latest = clock_monotonic();
}

static void clear(struct job *j)
{
    if (j->said)
        fputs("\r\033[K", stderr);
    j->said = false;
}

static void show_pack(struct job *j)
{
    char line[128];
    if (clock_monotonic() - j->latest < PROGRESS_EVERY)
        return;
    struct store_progress p = store_pack_progress(j->pack);
    snprintf(line, sizeof(line), "receiving: %u of %u objects, %llu KiB", p.received, p.objects,
             (unsigned long long)(p.bytes >> 10));
    show(j, line);
}

/* --- The conversation ----------------------------------------------------------------------- */

static enum err on_head(void *owner, const struct git_head *head)
{
    struct job *j = owner;
    j->commit = head->commit;
    snprintf(j->ref, sizeof(j->ref), "%.*s", SLICE_ARG(head->ref));
    j->store = store_open(head->kind, NULL);
    return j->store ? store_pack_begin(j->store, &j->pack) : ERR_MEMORY;
}

static enum err on_pack(void *owner, struct slice bytes)
{
    struct job *j = owner;
    enum err e = store_pack_feed(j->pack, bytes);
    if (e == OK && j->terminal)
        show_pack(j);
    return e;
}

static void on_progress(void *owner, struct slice line)
{
    char text[LINE_MAX_SHOWN + 1];
    snprintf(text, sizeof(text), "remote: %.*s", SLICE_ARG(line));
    show(owner, text);
}

/* Where the pack itself was at fault, it says more than the conversation that ended for it. */
static enum err end_pack(struct job *j, enum err why, struct buf *error)
{
    show(j, "resolving deltas");
    enum err e = store_pack_end(j->pack, error);
    j->pack = NULL;
    if (why != OK && e != why)
        buf_clear(error);
    return why != OK ? why : e;
}

static void on_done(void *owner, enum err why, struct slice line)
{
    struct job *j = owner;
    struct buf error;
    buf_init(&error, GIT_ERROR_MAX);
    if (j->pack)
        why = end_pack(j, why, &error);
    clear(j);
    if (why != OK && error.len > 0)
        tool_error("the remote's pack is refused: %.*s", SLICE_ARG(buf_slice(&error)));
    else if (why != OK)
        tool_error("%.*s", SLICE_ARG(line.len > 0 ? line : slice_text(err_text(why))));
    buf_deinit(&error);
    j->why = why;
    loop_stop(0);
}

static const struct git_fetch_events events = {on_head, on_pack, on_progress, on_done};

static bool fetch(struct job *j, const struct git_remote *remote)
{
    struct git_fetch *f;
    struct stack *stack;
    struct buf error;
    buf_init(&error, GIT_ERROR_MAX);
    show(j, "connecting");
    enum err e = process_network_open(SLICE("ringlet"), &stack, &error);
    if (e == OK)
        e = git_fetch_open(stack, remote, NULL, 0, OID_SHA1, &events, j, &f, &error);
    if (e != OK)
        tool_error("cannot fetch: %.*s", SLICE_ARG(buf_slice(&error)));
    buf_deinit(&error);
    if (e == OK)
        loop_run();
    (void)process_network_end(); /* the lease is given back */
    process_network_close();
    return e == OK && j->why == OK;
}

/* --- Whom to trust -------------------------------------------------------------------------- */

static const char usage[] =
    "usage: ringlet fetch [--trust FILE] [--authenticator sha256:HEX] [--net tap:NAME [--ip ...]]\n"
    "                     URL[#BRANCH] DIR";

struct arguments {
    const char *trust;
    const char *pin;
    const char *rest[2]; /* URL, DIR */
    int count;
};

/* Of the network, as every program has them. */
static const struct setting_group *const settings[] = {&settings_network_group, NULL};

static bool tell(enum err e, struct buf *error)
{
    if (e)
        tool_error("%.*s", SLICE_ARG(buf_slice(error)));
    buf_deinit(error);
    return e == OK;
}

static bool read_setting(const char *name, const char *value)
{
    const char *const arguments[] = {name, value};
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    return tell(settings_arguments(settings, 2, arguments, NULL, NULL, &error), &error);
}

static bool check_settings(void)
{
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    return tell(settings_check(settings, &error), &error);
}

static bool read_option(struct arguments *a, const char *name, const char *value)
{
    if (strcmp(name, "--trust") == 0)
        a->trust = value;
    else if (strcmp(name, "--authenticator") == 0)
        a->pin = value;
    else
        return read_setting(name, value);
    return true;
}

static bool read_arguments(int argc, char **argv, struct arguments *into)
{
    settings_preset(settings);
    for (int i = 0; i < argc; i++) {
        bool option = argv[i][0] == '-';
        if (option ? i + 1 == argc : into->count == 2)
            return false;
        if (!option)
            into->rest[into->count++] = argv[i];
        else if (!read_option(into, argv[i], argv[i + 1]))
            return false;
        else
            i++;
    }
    return into->count == 2 && check_settings();
}

/* NULL after a message. */
static struct tls_client *open_trust(const struct arguments *a)
{
    static const char *const protocols[] = {"http/1.1"};
    struct tls_pin pin;
    struct tls_client_config config = {.protocols = protocols, .protocol_count = 1};
    struct tls_client *client = NULL;
    struct buf anchors;
    buf_init(&anchors, TRUST_MAX);
    bool ok = true;
    if (a->pin) {
        config.pins = &pin;
        config.pin_count = 1;
        ok = tls_pin_parse(slice_text(a->pin), &pin);
        if (!ok)
            tool_error("--authenticator: '%s' is not sha256: with 64 hexadecimal digits", a->pin);
    } else {
        ok = trust_read(a->trust, &anchors);
        config.anchors = buf_slice(&anchors);
    }
    enum err e = ok ? tls_client_open(&config, &client) : OK;
    if (e)
        tool_error("cannot use the certificates to trust: %s", err_text(e));
    buf_deinit(&anchors);
    return client;
}

/* --- The folder ----------------------------------------------------------------------------- */

static bool is_empty(int folder)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *d = NULL;
    if (!list)
        return false;
    while ((d = readdir(list)) && (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0))
        ;
    closedir(list);
    return d == NULL;
}

/* Opens DIR, making it if it is not there. Negative after a message. */
static int open_folder(const char *path, bool *made)
{
    *made = mkdir(path, 0777) == 0;
    int folder = *made || errno == EEXIST ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder < 0) {
        tool_error("%s: %s", path, strerror(errno));
        return -1;
    }
    if (!is_empty(folder)) {
        tool_error("%s: the folder is not empty", path);
        close(folder);
        return -1;
    }
    return folder;
}

static bool check_out(struct job *j, int folder)
{
    struct checkout_counts counts = {0, 0};
    struct oid tree, missing;
    char hex[OID_HEX_MAX];
    enum err e = store_check(j->store, &j->commit, NULL, &missing);
    if (e == ERR_NOT_FOUND) {
        oid_to_hex(store_kind(j->store), &missing, hex);
        tool_error("the remote's pack is not whole: object %s is missing", hex);
        return false;
    }
    if (e == OK)
        e = store_commit_tree(j->store, &j->commit, &tree);
    if (e != OK) {
        tool_error("the remote's history cannot be read: %s", err_text(e));
        return false;
    }
    if (!checkout_tree(j->store, &tree, folder, &counts))
        return false;
    oid_to_hex(store_kind(j->store), &j->commit, hex);
    fprintf(stderr, "%lu files, %llu KiB\n", counts.files, (counts.bytes + 1023) >> 10);
    printf("%s %s\n", hex, j->ref);
    return true;
}

/* What does not come whole leaves the folder as it was. What cannot be written whole is said, and what
 * was written stays. */
static bool fetch_into(const struct git_remote *remote, const char *path)
{
    bool made;
    int folder = open_folder(path, &made);
    if (folder < 0)
        return false;
    struct job j = {.terminal = isatty(STDERR_FILENO) == 1};
    bool fetched = fetch(&j, remote);
    bool ok = fetched && check_out(&j, folder);
    if (j.store)
        store_close(j.store);
    close(folder);
    if (!fetched && made)
        (void)rmdir(path);
    return ok;
}

int tool_fetch(int argc, char **argv)
{
    struct arguments a = {.count = 0};
    if (!read_arguments(argc, argv, &a)) {
        tool_error("%s", usage);
        return 2;
    }
    struct git_remote remote = {
        .url = slice_text(a.rest[0]),
        .secret = slice_text(getenv("RINGLET_TOKEN")),
    };
    const char *allowed = git_url_check(remote.url);
    if (allowed) {
        tool_error("cannot fetch: the first argument must be %s", allowed);
        return 2;
    }
    bool secure = git_url_is_secure(remote.url);
    if (secure && !(remote.tls = open_trust(&a)))
        return 1;
    bool done = fetch_into(&remote, a.rest[1]);
    if (secure)
        tls_client_close(remote.tls);
    return done ? 0 : 1;
}
