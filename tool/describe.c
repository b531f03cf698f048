/* `ringlet describe`: what an image holds, out of its own sections. Secrets are not shown. */
#include "lib/git/bundle.h"
#include "runtime/keyring.h"
#include "runtime/settings.h"
#include "signatures/program.h"
#include "tool/image.h"
#include "tool/keyshow.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool next_field(struct slice *line, struct slice *field)
{
    if (line->len == 0)
        return false;
    slice_cut(*line, '\t', field, line);
    return true;
}

/* The manifest's lines of one kind, "KIND\tVALUE...", under a heading. */
static void print_kind(struct slice manifest, const char *kind, const char *heading)
{
    struct slice line, field;
    bool first = true;
    while (slice_line(&manifest, &line)) {
        if (!next_field(&line, &field) || !slice_is(field, kind))
            continue;
        if (first)
            printf("%s\n", heading);
        first = false;
        printf(" ");
        while (next_field(&line, &field))
            printf(" %.*s", SLICE_ARG(field));
        printf("\n");
    }
}

/* A configuration line is shown unless its setting is secret, or unknown to this tool: it may be. */
static void print_setting(struct slice line)
{
    struct slice name, value;
    slice_cut(line, '=', &name, &value);
    name = slice_trim(name);
    const struct setting *s = settings_find(program_settings, name);
    struct buf shown;
    buf_init(&shown, value.len + 16);
    if (s)
        settings_put_value(&shown, s, slice_trim(value));
    else
        buf_text(&shown, "(not shown)");
    printf("  %.*s = %.*s\n", SLICE_ARG(name), SLICE_ARG(buf_slice(&shown)));
    buf_deinit(&shown);
}

static void print_settings(struct slice config)
{
    struct slice line;
    printf("settings\n");
    bool any = false;
    while (slice_line(&config, &line)) {
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        any = true;
        print_setting(line);
    }
    if (!any)
        printf("  (defaults)\n");
}

static void print_content(struct slice content)
{
    struct git_bundle bundle;
    if (content.len == 0) {
        printf("content\n  none: comes from the remote\n");
        return;
    }
    if (git_bundle_parse(content, &bundle) != OK) {
        printf("content\n  %zu bytes that are not a git bundle\n", content.len);
        return;
    }
    printf("content\n  a git bundle of %zu bytes\n", content.len);
    struct git_bundle_ref ref;
    struct slice rest = bundle.refs;
    while (git_bundle_next(bundle.kind, &rest, &ref)) {
        char hex[OID_HEX_MAX];
        oid_to_hex(bundle.kind, &ref.oid, hex);
        printf("  %s %.*s\n", hex, SLICE_ARG(ref.name));
    }
}

static void print_pages(const struct image *image)
{
    struct slice prepared;
    if (image_section(image, ".ringlet.prepared", &prepared) && prepared.len > 0)
        printf("  its pages, made when the image was built: %zu bytes\n", prepared.len);
}

/* Keys are named by what they are for; whom it trusts is only counted. */
static void print_trust(const struct image *image)
{
    struct slice certs, anchors, one;
    size_t count = 0;
    if (image_hole(image, ".ringlet.certs", KEYRING_CERTS_SIZE, &certs))
        keyshow_summary(certs);
    if (!image_section(image, ".ringlet.anchors", &anchors) || anchors.len == 0)
        return;
    while (keyring_der(&anchors, &one))
        count++;
    printf("trusts at https://\n  %zu certificate authorities\n", count);
}

static int describe(const struct image *image, const char *path)
{
    struct slice manifest, config, content;
    if (!image_section(image, ".ringlet.manifest", &manifest) ||
        !image_section(image, ".ringlet.config", &config) ||
        !image_section(image, ".ringlet.content", &content)) {
        tool_error("%s was not built by ringlet", path);
        return 1;
    }
    print_kind(manifest, "program", "program");
    print_kind(manifest, "target", "target");
    print_settings(config);
    print_content(content);
    print_pages(image);
    print_trust(image);
    print_kind(manifest, "signature", "given to it");
    print_kind(manifest, "platform", "platform");
    print_kind(manifest, "lib", "libraries");
    print_kind(manifest, "third-party", "third-party libraries (name, version, licence, sha256)");
    return 0;
}

int tool_describe(int argc, char **argv)
{
    if (argc > 1 || (argc == 1 && argv[0][0] == '-')) {
        tool_error("usage: ringlet describe [IMAGE]");
        return 2;
    }
    char *path = argc == 1 ? tool_text("%s", argv[0]) : tool_image(NULL);
    if (!path)
        return 1;
    struct image image;
    int status = 1;
    if (image_open(&image, path)) {
        status = describe(&image, path);
        image_close(&image);
    }
    free(path);
    return status;
}
