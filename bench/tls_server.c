/*
 * tls_server PORT IMAGE process|inside: shakes hands and closes, with the keys of an image's file.
 *
 * Once with the signer as it is, another process; once with the same keys in this one: what the
 * signer costs is the difference. The port is open when a line is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/tls/tls.h"
#include "platform/crypto/keys.h"
#include "platform/process/signer.h"
#include "platform/process/stack.h"
#include "runtime/elf.h"
#include "runtime/keyring.h"
#include "runtime/loop.h"
#include "signatures/memory.h"
#include "signatures/timer.h"

static void die(const char *what)
{
    fprintf(stderr, "tls_server: %s\n", what);
    exit(1);
}

/* --- a signer within this process --- */

struct signing {
    struct task task;
    signer_fn *answer;
    void *owner;
    size_t key, len;
    uint16_t scheme;
    uint8_t message[SIGNER_MESSAGE_MAX];
};

static struct keys *keys;

static void sign(struct task *t)
{
    struct signing *g = CONTAINER(t, struct signing, task);
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    size_t len = 0;
    enum err e = keys_sign(keys, g->key, g->scheme, slice_of(g->message, g->len), signature, &len);
    g->answer(g->owner, e, slice_of(signature, e ? 0 : len));
    memory_free(g);
}

static size_t inside_count(const struct signer *s)
{
    (void)s;
    return keys_count(keys);
}

static struct signer_key inside_key(const struct signer *s, size_t index)
{
    (void)s;
    return keys_key(keys, index);
}

static enum err inside_sign(struct signer *s, size_t index, uint16_t scheme, struct slice message,
                            signer_fn *answer, void *owner, struct signing **into)
{
    struct signing *g = memory_alloc(sizeof *g);
    (void)s;
    if (!g)
        return ERR_MEMORY;
    g->answer = answer;
    g->owner = owner;
    g->key = index;
    g->scheme = scheme;
    g->len = message.len;
    memcpy(g->message, message.ptr, message.len);
    task_init(&g->task, sign);
    task_post(&g->task);
    *into = g;
    return OK;
}

static void inside_cancel(struct signer *s, struct signing *g)
{
    (void)s;
    task_cancel(&g->task);
    memory_free(g);
}

static const struct signer_ops inside_ops = {inside_count, inside_key, inside_sign, inside_cancel};
static struct signer inside = {&inside_ops};

/* --- the server --- */

struct guest {
    struct flow *flow;
};

/* Whoever asks for something gets an answer, and with it a ticket. */
static void on_data(void *owner, struct slice bytes)
{
    struct guest *g = owner;
    (void)bytes;
    flow_write(g->flow, SLICE("HTTP/1.1 200 OK\r\n\r\n"));
    flow_close(g->flow);
    memory_free(g);
}

static void on_end(void *owner, enum err why)
{
    struct guest *g = owner;
    (void)why;
    flow_close(g->flow);
    memory_free(g);
}

static void on_accept(void *owner, struct flow *flow)
{
    static const struct flow_events events = {.on_data = on_data, .on_end = on_end};
    struct guest *g = memory_alloc(sizeof *g);
    (void)owner;
    if (!g)
        die("out of memory");
    g->flow = flow;
    flow_own(flow, &events, g);
}

/* Whole pages of read-only memory, as the signer wants them. */
static struct slice map_section(const char *path, const char *name)
{
    struct stat st;
    struct slice section;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        die("cannot read the image");
    const void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED || !elf_section(slice_of(file, (size_t)st.st_size), name, &section))
        die("not an image");
    size_t whole = (section.len + 4095) & ~(size_t)4095;
    void *own = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED)
        die("out of memory");
    memcpy(own, section.ptr, section.len);
    mprotect(own, whole, PROT_READ);
    return slice_of(own, section.len);
}

int main(int argc, char **argv)
{
    struct tls_server *server;
    struct listener *listener;
    struct signer *signer = &inside;
    struct buf error;
    if (argc != 4)
        die("usage: tls_server PORT IMAGE process|inside");
    buf_init(&error, 512);
    struct slice section = map_section(argv[2], ".ringlet.keys");
    enum err e = strcmp(argv[3], "process") == 0 ? signer_start(section, &signer, &error)
                                                 : keys_open(section, &keys, &error);
    if (e)
        die("no keys");
    const struct tls_server_config config = {
        .signer = signer, .certificates = map_section(argv[2], ".ringlet.certs")};
    struct endpoint local = {.address = ADDRESS_ANY, .port = (uint16_t)atoi(argv[1])};
    if (tls_server_open(&config, &server, &error) ||
        stack_listen(tls_server_stack(server, process_stack()), local, on_accept, NULL, &listener))
        die("cannot listen");
    puts("listening");
    fflush(stdout);
    return loop_run();
}
