/*
 * The conversation with a remote that says anything: the first byte chooses what we want, the second
 * how the rest is cut; what comes of it must be the same however it is.
 */
#include "lib/git/protocol.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct git_client_settings settings_of(uint8_t choice)
{
    static const struct oid have = {{0x11}};
    return (struct git_client_settings){
        .branch = choice & 1 ? SLICE("main") : (struct slice){NULL, 0},
        .stateless = choice & 2,
        .have = &have,
        .have_count = choice & 4 ? 1 : 0,
        .have_kind = choice & 8 ? OID_SHA256 : OID_SHA1,
    };
}

/* Lines for people are lines, without control bytes. */
static void check_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            abort();
}

static void note_event(struct git_client *c, const struct git_client_event *event, bool want,
                       struct buf *log)
{
    if (event->what != GIT_CLIENT_PACK) /* which comes in other pieces */
        buf_printf(log, "<%d>", (int)event->what);
    buf_put(log, event->bytes);
    if (event->what == GIT_CLIENT_PROGRESS)
        check_text(event->bytes);
    if (event->what == GIT_CLIENT_SEND) {
        buf_put(log, buf_slice(&c->out));
        git_client_sent(c);
    }
    if (event->what != GIT_CLIENT_HEAD)
        return;
    struct git_head head = git_client_head(c);
    buf_put(log, head.ref);
    check_text(head.ref);
    if (want)
        git_client_want(c);
    else
        git_client_leave(c);
}

static void converse(struct slice in, uint8_t choice, size_t piece_size, struct buf *log)
{
    struct git_client_settings settings = settings_of(choice);
    struct git_client c;
    struct git_client_event event = {.what = GIT_CLIENT_SEND};
    enum err e = ERR_AGAIN;
    git_client_init(&c, &settings);
    while (in.len > 0 && e == ERR_AGAIN) {
        struct slice piece = slice_take(in, piece_size);
        in = slice_drop(in, piece.len);
        while ((e = git_client_next(&c, &piece, &event)) == OK && event.what != GIT_CLIENT_DONE)
            note_event(&c, &event, !(choice & 16), log);
    }
    if (e == ERR_AGAIN)
        e = git_client_eof(&c);
    buf_printf(log, "=%d %s", (int)e, git_client_line(&c));
    check_text(slice_text(git_client_line(&c)));
    git_client_deinit(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;
    if (size < 3)
        return 0;
    buf_init(&whole, SIZE_MAX);
    buf_init(&pieces, SIZE_MAX);
    converse(slice_of(data + 2, size - 2), data[0], SIZE_MAX, &whole);
    converse(slice_of(data + 2, size - 2), data[0], (size_t)data[1] + 1, &pieces);
    if (!slice_equal(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
