/*
 * `ringlet keys`: the keys and certificates of a built image: shown, or replaced without a compiler.
 *
 * They lie in two sections of a fixed size (runtime/keyring.h). Replacing writes a whole new file
 * beside the image, which then takes its place: an image is never half of each, and a program that
 * runs from the old one goes on undisturbed (SIGHUP makes it look at the new certificates).
 */
#include "runtime/keyring.h"
#include "tool/file.h"
#include "tool/image.h"
#include "tool/keyfolder.h"
#include "tool/keyshow.h"
#include "tool/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] = "usage: ringlet keys IMAGE [DIR | --none]";

struct sections {
    struct slice keys;
    struct slice certs;
};

static bool find_sections(const struct image *image, const char *path, struct sections *into)
{
    if (image_hole(image, ".ringlet.keys", KEYRING_KEYS_SIZE, &into->keys) &&
        image_hole(image, ".ringlet.certs", KEYRING_CERTS_SIZE, &into->certs))
        return true;
    struct slice manifest;
    if (image_section(image, ".ringlet.manifest", &manifest))
        tool_error("%s has no room for keys: it is a program that takes none", path);
    else
        tool_error("%s was not built by ringlet", path);
    return false;
}

/* --- replacing --- */

/* The file as a list of parts: what is before, between and behind the two sections, and the new
 * sections with the zeros that fill them up. */
struct patch {
    struct slice parts[7];
    size_t count;
    struct slice rest; /* of the file */
};

static const uint8_t zeros[KEYRING_CERTS_SIZE];

static void add_part(struct patch *p, struct slice part)
{
    p->parts[p->count++] = part;
}

static void add_section(struct patch *p, struct slice old, struct slice fresh)
{
    size_t before = (size_t)(old.ptr - p->rest.ptr);
    add_part(p, slice_take(p->rest, before));
    add_part(p, fresh);
    add_part(p, slice_of(zeros, old.len - fresh.len));
    p->rest = slice_drop(p->rest, before + old.len);
}

static bool write_image(const struct image *image, const char *path, const struct sections *old,
                        const struct keyfolder *fresh)
{
    struct stat st;
    struct patch p = {.rest = image->file};
    bool keys_first = old->keys.ptr < old->certs.ptr;
    if (stat(path, &st) != 0) {
        tool_error("cannot read %s: %s", path, strerror(errno));
        return false;
    }
    if (keys_first)
        add_section(&p, old->keys, buf_slice(&fresh->keys));
    add_section(&p, old->certs, buf_slice(&fresh->certs));
    if (!keys_first)
        add_section(&p, old->keys, buf_slice(&fresh->keys));
    add_part(&p, p.rest);
    if (fresh->pairs > 0 && (st.st_mode & (S_IRGRP | S_IROTH)))
        tool_error("warning: %s holds private keys and can be read by others: chmod go-r", path);
    return file_replace(path, st.st_mode & 07777, p.parts, p.count);
}

static bool replace(const struct image *image, const char *path, const char *folder)
{
    struct sections old;
    struct slice content = {NULL, 0};
    struct keyfolder fresh = {.pairs = 0};
    if (!find_sections(image, path, &old))
        return false;
    image_section(image, ".ringlet.content", &content);
    if (folder && !keyfolder_read(folder, content, &fresh))
        return false;
    bool done = write_image(image, path, &old, &fresh);
    if (folder)
        keyfolder_wipe(&fresh);
    return done;
}

/* --- the command --- */

static int show(const struct image *image, const char *path)
{
    struct sections s;
    return find_sections(image, path, &s) && keyshow_sections(s.keys, s.certs) ? 0 : 1;
}

int tool_keys(int argc, char **argv)
{
    bool none = argc == 2 && strcmp(argv[1], "--none") == 0;
    if (argc < 1 || argc > 2 || argv[0][0] == '-' || (argc == 2 && argv[1][0] == '-' && !none)) {
        tool_error("%s", usage);
        return 2;
    }
    struct image image;
    if (!image_open(&image, argv[0]))
        return 1;
    bool done = argc == 1 || replace(&image, argv[0], none ? NULL : argv[1]);
    image_close(&image);
    if (!done || !image_open(&image, argv[0]))
        return 1;
    int status = show(&image, argv[0]);
    image_close(&image);
    return status;
}
