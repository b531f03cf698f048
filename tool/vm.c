/* See vm.h. */
#include "tool/vm.h"

#include "platform/pvh/command_line.h"
#include "platform/pvh/machine.h"

#include <string.h>

#define DEBUG_EXIT "isa-debug-exit,iobase=0xf4,iosize=1" /* platform/pvh/power.h */

static const char *const machines[] = {"microvm", "pc", "q35"};

bool vm_machine_is(const char *name)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (strcmp(name, machines[i]) == 0)
            return true;
    return false;
}

/* --- reading --- */

static bool port_number(struct slice text, unsigned *into)
{
    uint64_t value;
    bool is = slice_decimal(text, UINT16_MAX, &value) && value > 0;
    *into = is ? (unsigned)value : 0;
    return is;
}

bool vm_port_parse(const char *text, struct vm_port *into)
{
    struct slice rest = slice_text(text), host, guest, address = {NULL, 0}, first;
    *into = (struct vm_port){.udp = slice_ends(rest, SLICE("/udp"))};
    if (into->udp || slice_ends(rest, SLICE("/tcp")))
        rest = slice_take(rest, rest.len - 4);
    if (!slice_cut(rest, ':', &host, &guest))
        return false;
    if (slice_cut(guest, ':', &first, &rest)) {
        address = host;
        host = first;
        guest = rest;
    }
    if (address.len >= sizeof into->address || slice_find(address, ',') < address.len)
        return false;
    memcpy(into->address, address.ptr ? (const char *)address.ptr : "", address.len);
    return port_number(host, &into->host) && port_number(guest, &into->guest);
}

bool vm_memory_parse(const char *text, unsigned *mib)
{
    struct slice number = slice_text(text);
    uint64_t value, unit = 1;
    if (slice_ends(number, SLICE("G")))
        unit = 1024;
    if (unit > 1 || slice_ends(number, SLICE("M")))
        number = slice_take(number, number.len - 1);
    if (!slice_decimal(number, VM_MEMORY_MAX / unit, &value) || value * unit < VM_MEMORY_MIN)
        return false;
    *mib = (unsigned)(value * unit);
    return true;
}

static void put_word(struct buf *into, struct slice word)
{
    buf_byte(into, '"');
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '"' || word.ptr[i] == '\\')
            buf_byte(into, '\\');
        buf_byte(into, word.ptr[i]);
    }
    buf_byte(into, '"');
}

bool vm_command_line(const char *const *arguments, size_t count, struct buf *into)
{
    for (size_t i = 0; i < count; i++) {
        struct slice word = slice_text(arguments[i]);
        bool bare =
            word.len > 0 && slice_find(word, ' ') == word.len && slice_find(word, '"') == word.len;
        if (i > 0)
            buf_byte(into, ' ');
        if (bare)
            buf_put(into, word);
        else
            put_word(into, word);
    }
    return count <= COMMAND_LINE_WORDS_MAX && into->len < MACHINE_COMMAND_MAX;
}

/* --- the command --- */

/* Locally administered, as QEMU's own are; the rest by the name, so that two machines on one network
 * differ, and each is the same after every start (FNV-1a). */
static void add_card(const struct vm *vm, struct words *w, size_t number, struct slice name)
{
    bool pci = strcmp(vm->machine, "microvm") != 0;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.ptr[i]) * 16777619u;
    words_add(w, "-device");
    words_add(w, "%s,netdev=n%zu,mac=52:54:00:%02x:%02x:%02x",
              pci ? "virtio-net-pci,disable-legacy=on,romfile=" : "virtio-net-device", number,
              hash >> 16 & 0xff, hash >> 8 & 0xff, hash & 0xff);
}

static void add_user_network(const struct vm *vm, struct words *w)
{
    struct buf forwards;
    buf_init(&forwards, (size_t)VM_PORTS_MAX * 128);
    for (size_t i = 0; i < vm->port_count; i++) {
        const struct vm_port *p = &vm->ports[i];
        buf_printf(&forwards, ",hostfwd=%s:%s:%u-:%u", p->udp ? "udp" : "tcp", p->address, p->host,
                   p->guest);
    }
    words_add(w, "-netdev");
    words_add(w, "user,id=n0%.*s", SLICE_ARG(buf_slice(&forwards)));
    add_card(vm, w, 0, SLICE("user"));
    buf_deinit(&forwards);
}

static void add_network(const struct vm *vm, struct words *w)
{
    size_t cards = 0;
    if (vm->port_count || (vm->card && !vm->tap_count)) {
        add_user_network(vm, w);
        cards++;
    }
    for (size_t i = 0; i < vm->tap_count; i++, cards++) {
        words_add(w, "-netdev");
        words_add(w, "tap,id=n%zu,ifname=%s,script=no,downscript=no", cards, vm->taps[i]);
        add_card(vm, w, cards, slice_text(vm->taps[i]));
    }
}

/* A comma in a file's name is written twice. */
static void add_drive(const struct vm *vm, struct words *w, size_t number)
{
    bool pci = strcmp(vm->machine, "microvm") != 0;
    struct buf name;
    buf_init(&name, SIZE_MAX);
    for (const char *c = vm->drives[number]; *c; c++)
        buf_text(&name, *c == ',' ? ",," : (const char[]){*c, 0});
    words_add(w, "-drive");
    words_add(w, "if=none,id=d%zu,format=raw,file=%.*s", number, SLICE_ARG(buf_slice(&name)));
    words_add(w, "-device");
    words_add(w, "%s,drive=d%zu", pci ? "virtio-blk-pci,disable-legacy=on" : "virtio-blk-device",
              number);
    buf_deinit(&name);
}

static void add_all(struct words *w, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        words_add(w, "%s", words[i]);
}

/* What a processor of TCG's can do fast: wide vectors and long string moves are slower than none. */
void vm_words(const struct vm *vm, struct words *w)
{
    static const char *const fixed[] = {"-nodefaults", "-no-user-config", "-display", "none",
                                        "-no-reboot",  "-device",         DEBUG_EXIT};
    bool pci = strcmp(vm->machine, "microvm") != 0;
    const char *cpu = vm->kvm ? "host" : "max,avx=off,erms=off,fsrm=off";
    const char *which[] = {VM_QEMU, "-machine", vm->machine, "-accel", vm->kvm ? "kvm" : "tcg",
                           "-cpu",  cpu};
    add_all(w, which, sizeof which / sizeof which[0]);
    add_all(w, fixed, sizeof fixed / sizeof fixed[0]);
    words_add(w, "-m");
    words_add(w, "%uM", vm->memory);
    if (!pci) {
        words_add(w, "-global");
        words_add(w, "virtio-mmio.force-legacy=false");
    }
    words_add(w, "-device");
    words_add(w, pci ? "virtio-rng-pci,disable-legacy=on" : "virtio-rng-device");
    add_network(vm, w);
    for (size_t i = 0; i < vm->drive_count; i++)
        add_drive(vm, w, i);
    if (vm->gdb) {
        words_add(w, "-S");
        words_add(w, "-gdb");
        words_add(w, "tcp:127.0.0.1:%s", vm->gdb);
    }
    words_add(w, "-kernel");
    words_add(w, "%s", vm->image);
    words_add(w, "-append");
    words_add(w, "%s", vm->arguments);
}
