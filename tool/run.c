/*
 * `ringlet run` for images that a hypervisor starts: a virtual machine of QEMU, to try them in. (Linux
 * processes are started by the door itself.)
 */
#include "tool/image.h"
#include "tool/kvm.h"
#include "tool/qemu.h"
#include "tool/target.h"
#include "tool/tool.h"
#include "tool/vm.h"

#include "platform/pvh/machine.h"
#include "runtime/settings.h"
#include "signatures/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GDB_PORT "1234"
#define HELP_MAX (1u << 20)

static const char usage[] =
    "ringlet run [OPTION...] [SETTING...]\n"
    "\n"
    "Starts the image in a virtual machine of QEMU. Ctrl-C presses its power button,\n"
    "a second one ends it at once.\n"
    "\n"
    "  -p [ADDRESS:]HOST:GUEST[/udp]\n"
    "                      Port HOST of this machine leads to port GUEST of the\n"
    "                      program; as often as is needed (also --publish)\n"
    "  --tap NAME          Its network card is this TAP, which exists already; a\n"
    "                      second one is a second card (--network 1)\n"
    "  --drive FILE        Its block device is this file, as it is (raw); a second one\n"
    "                      is a second device (--disk 1)\n"
    "  -m, --memory MEM    Memory in MiB, or as in 2G (default: as configured, else 32)\n"
    "  --machine KIND      microvm (default), pc or q35\n"
    "  --accel KIND        kvm, tcg (QEMU translates), or auto (default): KVM where it\n"
    "                      runs ring 0 at full speed\n"
    "  --gdb [PORT]        Wait for a debugger at 127.0.0.1 (1234)\n"
    "  --print             Print the command instead of running it\n"
    "  --                  Settings begin here\n"
    "\n"
    "The settings of the program override what was configured:";

struct run {
    struct vm vm;
    const char *accel;
    bool print;
    char *const *rest; /* the settings */
    size_t left;
};

/* --- options --- */

static bool refuse(const char *option, const char *value, const char *allowed)
{
    tool_error("%s: '%s' is not %s", option, value, allowed);
    return false;
}

static bool take_port(struct run *r, const char *text)
{
    if (r->vm.port_count == VM_PORTS_MAX)
        return refuse("-p", text, "permitted: there are 32 already");
    return vm_port_parse(text, &r->vm.ports[r->vm.port_count++]) ||
           refuse(
               "-p", text,
               "of the form HOST:GUEST, two ports (the program's own setting -p goes behind --)");
}

static bool take_tap(struct run *r, const char *name)
{
    if (strchr(name, ',') || if_nametoindex(name) == 0) {
        tool_error("--tap: there is no network device '%s': as root, `ip tuntap add dev NAME mode "
                   "tap user USER vnet_hdr` makes one, `ip link set dev NAME up` turns it on",
                   name);
        return false;
    }
    if (r->vm.tap_count == VM_TAPS_MAX)
        return refuse("--tap", name, "permitted: there are 8 already");
    r->vm.taps[r->vm.tap_count++] = name;
    return true;
}

static bool take_drive(struct run *r, const char *file)
{
    if (access(file, R_OK | W_OK) != 0) {
        tool_error("--drive: %s: %s", file, strerror(errno));
        return false;
    }
    if (r->vm.drive_count == VM_DRIVES_MAX)
        return refuse("--drive", file, "permitted: there are 8 already");
    r->vm.drives[r->vm.drive_count++] = file;
    return true;
}

static bool take_memory(struct run *r, const char *text)
{
    return vm_memory_parse(text, &r->vm.memory) ||
           refuse("-m", text, "a number of MiB (4 to 1048576), or as in 2G");
}

static bool take_machine(struct run *r, const char *name)
{
    r->vm.machine = name;
    return vm_machine_is(name) || refuse("--machine", name, "microvm, pc or q35");
}

static bool take_accel(struct run *r, const char *name)
{
    r->accel = name;
    return strcmp(name, "auto") == 0 || strcmp(name, "kvm") == 0 || strcmp(name, "tcg") == 0 ||
           refuse("--accel", name, "auto, kvm or tcg");
}

static bool take_gdb(struct run *r, const char *port)
{
    uint64_t number;
    r->vm.gdb = port;
    return (slice_decimal(slice_text(port), UINT16_MAX, &number) && number > 0) ||
           refuse("--gdb", port, "a port (1 to 65535)");
}

static const struct option {
    const char *name, *also;
    bool (*take)(struct run *r, const char *value);
    const char *bare; /* the value where none follows */
} options[] = {
    {"-p", "--publish", take_port, NULL},  {"--tap", NULL, take_tap, NULL},
    {"-m", "--memory", take_memory, NULL}, {"--machine", NULL, take_machine, NULL},
    {"--accel", NULL, take_accel, NULL},   {"--gdb", NULL, take_gdb, GDB_PORT},
    {"--drive", NULL, take_drive, NULL},
};

/* *value: what stands behind '=' in the argument, or NULL. */
static const struct option *find_option(const char *argument, const char **value)
{
    size_t length = strcspn(argument, "=");
    *value = argument[length] ? argument + length + 1 : NULL;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const struct option *o = &options[i];
        if ((strlen(o->name) == length && memcmp(o->name, argument, length) == 0) ||
            (o->also && strlen(o->also) == length && memcmp(o->also, argument, length) == 0))
            return o;
    }
    return NULL;
}

static bool digits(const char *text)
{
    return text && text[0] && text[strspn(text, "0123456789")] == '\0';
}

/* Ours come first; the first argument that is not ours, or what follows "--", is the program's. */
static bool take_options(struct run *r, int argc, char **argv)
{
    int i = 0;
    for (; i < argc; i++) {
        const char *value;
        const struct option *o = find_option(argv[i], &value);
        if (strcmp(argv[i], "--print") == 0) {
            r->print = true;
            continue;
        }
        if (!o)
            break;
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (!value && (!o->bare || digits(next))) {
            value = next;
            i++;
        }
        if (!value && !o->bare) {
            tool_error("%s needs a value", o->name);
            return false;
        }
        if (!o->take(r, value ? value : o->bare))
            return false;
    }
    if (i < argc && strcmp(argv[i], "--") == 0)
        i++;
    r->rest = argv + i;
    r->left = (size_t)(argc - i);
    return true;
}

/* --- what can be said before QEMU says it in its own words --- */

static bool port_is_free(const struct vm_port *p)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)p->host)};
    int one = 1, s = socket(AF_INET, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (p->address[0] && inet_pton(AF_INET, p->address, &at.sin_addr) != 1) {
        close(s);
        return refuse("-p", p->address, "an IPv4 address of this machine");
    }
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    int why = bind(s, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
    close(s);
    if (why == EADDRINUSE)
        tool_error("-p: port %u of this machine is in use already", p->host);
    else if (why == EACCES)
        tool_error("-p: port %u takes root: choose one from 1024 on", p->host);
    else if (why)
        tool_error("-p: port %u of this machine: %s", p->host, strerror(why));
    return why == 0;
}

static bool choose_accel(struct run *r)
{
    const char *why = strcmp(r->accel, "tcg") == 0 ? "" : kvm_useless();
    r->vm.kvm = !why;
    if (!why || !why[0])
        return true;
    if (strcmp(r->accel, "kvm") == 0)
        tool_error("--accel kvm: /dev/kvm %s", why);
    else if (!r->print)
        fprintf(stderr, "ringlet: QEMU translates (TCG), since /dev/kvm %s\n", why);
    return strcmp(r->accel, "kvm") != 0;
}

static bool check(struct run *r)
{
    for (size_t i = 0; i < r->vm.port_count; i++)
        if (!port_is_free(&r->vm.ports[i]))
            return false;
    return choose_accel(r);
}

/* --- the command --- */

static void print(const struct words *w)
{
    struct buf line;
    buf_init(&line, SIZE_MAX);
    for (size_t i = 0; i < w->count; i++) {
        if (i > 0)
            buf_byte(&line, ' ');
        words_put_quoted(&line, slice_text(w->at[i]));
    }
    printf("%.*s -serial stdio\n", SLICE_ARG(buf_slice(&line)));
    buf_deinit(&line);
}

/* The image moves itself to an address of its own choosing, and says how far to early_main, where it runs
 * where it was linked. From its start on the names are where it is. */
static void say_gdb(const struct vm *vm)
{
    char *const names = tool_text("symbol-file -o $rsi \"%s\"", vm->image);
    char *const remote = tool_text("target remote :%s", vm->gdb);
    const char *const words[] = {"gdb",      "-ex",    remote, "-ex", "thbreak *&early_main", "-ex",
                                 "continue", "-ex",    names,  "-ex", "thbreak start",        "-ex",
                                 "continue", vm->image};
    struct buf line;
    buf_init(&line, SIZE_MAX);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        buf_byte(&line, ' ');
        words_put_quoted(&line, slice_text(words[i]));
    }
    fprintf(stderr, "ringlet: waiting for:%.*s\n", SLICE_ARG(buf_slice(&line)));
    buf_deinit(&line);
    free(names);
    free(remote);
}

static int start(struct run *r, struct buf *line)
{
    struct words w = {.count = 0};
    if (!vm_command_line((const char *const *)r->rest, r->left, line)) {
        tool_error("the settings are too many for a machine's command line (64 words, %u bytes)",
                   MACHINE_COMMAND_MAX - 1);
        return 2;
    }
    if (!check(r))
        return 1;
    buf_byte(line, '\0');
    r->vm.arguments = (const char *)line->ptr;
    vm_words(&r->vm, &w);
    if (r->vm.gdb && !r->print)
        say_gdb(&r->vm);
    int status = 0;
    if (r->print)
        print(&w);
    else
        status = qemu_run(&w);
    words_free(&w);
    return status;
}

static bool wants_card(const char *path, bool *wants)
{
    struct image image;
    struct slice manifest = {NULL, 0};
    if (!image_open(&image, path))
        return false;
    image_section(&image, ".ringlet.manifest", &manifest);
    *wants = slice_search(manifest, SLICE("signature\tnet\n")) < manifest.len;
    image_close(&image);
    return true;
}

/* As it was configured. */
static void read_memory(struct vm *vm)
{
    char text[16] = "";
    char *path = tool_text("%s/.ringlet/memory", getenv("RINGLET_APP_DIR"));
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, sizeof text, file) || !vm_memory_parse(text, &vm->memory))
        vm->memory = VM_MEMORY;
    if (file)
        fclose(file);
    free(path);
}

static int help(void)
{
    struct buf text;
    buf_init(&text, HELP_MAX);
    settings_help(&text, usage, program_settings);
    fwrite(text.ptr, 1, text.len, stdout);
    buf_deinit(&text);
    return 0;
}

int tool_run(int argc, char **argv)
{
    struct run r = {.vm = {.machine = "microvm", .memory = VM_MEMORY}, .accel = "auto"};
    struct buf line;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return help();
    const struct target *target;
    char *image = tool_image(&target);
    if (!image)
        return 1;
    if (!target->qemu) {
        tool_error("%s is for Xen: in dom0, `xl create` starts it, with the .xl file beside it",
                   image);
        free(image);
        return 1;
    }
    read_memory(&r.vm);
    r.vm.image = image;
    buf_init(&line, SIZE_MAX);
    int status = 2;
    if (take_options(&r, argc, argv))
        status = wants_card(image, &r.vm.card) ? start(&r, &line) : 1;
    buf_deinit(&line);
    free(image);
    return status;
}
