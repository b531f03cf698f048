/*
 * `ringlet core`: what `xl dump-core` writes of a guest, as a core file that gdb reads: its registers, and
 * its memory where it was mapped. An image chooses at its start where it runs: where that was is found by
 * the image's code, and told by the command to start gdb with.
 */
#include "runtime/elf.h"
#include "tool/file.h"
#include "tool/image.h"
#include "tool/tool.h"
#include "tool/xen_map.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <xen/xen.h>

#define PARTS_MAX 4

struct note {
    Elf64_Nhdr head;
    char name[8];
};

static void put(struct buf *b, const void *bytes, size_t size)
{
    buf_put(b, slice_of(bytes, size));
}

static void put_note(struct buf *notes, uint32_t type, const void *bytes, size_t size)
{
    struct note note = {{.n_namesz = 5, .n_descsz = (uint32_t)size, .n_type = type}, "CORE"};
    put(notes, &note, sizeof note);
    put(notes, bytes, size);
}

static struct elf_prstatus status_of(const struct vcpu_guest_context *c, size_t number)
{
    const struct cpu_user_regs *r = &c->user_regs;
    const uint64_t in_order[ELF_NGREG] = {
        r->r15,
        r->r14,
        r->r13,
        r->r12,
        r->rbp,
        r->rbx,
        r->r11,
        r->r10,
        r->r9,
        r->r8,
        r->rax,
        r->rcx,
        r->rdx,
        r->rsi,
        r->rdi,
        r->rax,
        r->rip,
        r->cs,
        r->rflags,
        r->rsp,
        r->ss,
        c->fs_base,
        c->gs_base_kernel,
        r->ds,
        r->es,
        r->fs,
        r->gs,
    };
    struct elf_prstatus status = {.pr_pid = (int)number + 1};
    memcpy(&status.pr_reg, in_order, sizeof in_order);
    return status;
}

static void put_processors(struct buf *notes, const struct xen_dump *dump)
{
    struct vcpu_guest_context context;
    for (size_t i = 0; i < dump->contexts.len / sizeof context; i++) {
        memcpy(&context, dump->contexts.ptr + i * sizeof context, sizeof context);
        struct elf_prstatus status = status_of(&context, i);
        put_note(notes, NT_PRSTATUS, &status, sizeof status);
    }
}

/* The image's first whole page of code: the same bytes wherever it runs. False: it has none. */
static bool code_page(struct slice image, uint64_t *address, const uint8_t **bytes)
{
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    memcpy(&head, image.ptr, sizeof head);
    for (size_t i = 0; i < head.e_phnum; i++) {
        struct slice at = slice_drop(image, head.e_phoff + i * sizeof segment);
        if (at.len < sizeof segment)
            return false;
        memcpy(&segment, at.ptr, sizeof segment);
        at = slice_drop(image, segment.p_offset);
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) || segment.p_vaddr % XEN_PAGE ||
            segment.p_filesz < XEN_PAGE || at.len < XEN_PAGE)
            continue;
        *address = segment.p_vaddr;
        *bytes = at.ptr;
        return true;
    }
    return false;
}

/* How much higher the image ran than it is linked for. False: this is not a dump of it. */
static bool find_shift(const struct xen_dump *dump, const struct xen_map *map, struct slice image,
                       uint64_t *shift)
{
    uint64_t address;
    const uint8_t *wanted;
    if (!code_page(image, &address, &wanted))
        return false;
    for (size_t i = 0; i < map->count; i++) {
        const struct xen_run *run = &map->runs[i];
        for (size_t k = 0; run->executable && k < run->count; k++) {
            if (memcmp(dump->pages.ptr + (run->first + k) * XEN_PAGE, wanted, XEN_PAGE) != 0)
                continue;
            *shift = run->address + k * XEN_PAGE - address;
            return true;
        }
    }
    return false;
}

static void put_segments(struct buf *head, const struct xen_map *map, size_t notes_at,
                         size_t notes_size, size_t pages_at)
{
    Elf64_Phdr notes = {.p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = notes_size};
    put(head, &notes, sizeof notes);
    for (size_t i = 0; i < map->count; i++) {
        const struct xen_run *run = &map->runs[i];
        Elf64_Phdr load = {.p_type = PT_LOAD,
                           .p_flags = (Elf64_Word)(PF_R | (run->writable ? PF_W : 0) |
                                                   (run->executable ? PF_X : 0)),
                           .p_offset = pages_at + run->first * XEN_PAGE,
                           .p_vaddr = run->address,
                           .p_filesz = run->count * XEN_PAGE,
                           .p_memsz = run->count * XEN_PAGE,
                           .p_align = XEN_PAGE};
        put(head, &load, sizeof load);
    }
}

static bool write_core(const char *path, const struct xen_dump *dump, const struct xen_map *map)
{
    static const uint8_t padding[XEN_PAGE];
    struct buf head, notes;
    buf_init(&head, sizeof(Elf64_Ehdr) + (XEN_RUNS_MAX + 1) * sizeof(Elf64_Phdr));
    buf_init(&notes, dump->contexts.len); /* each is larger than its note */
    put_processors(&notes, dump);

    Elf64_Ehdr elf = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof elf,
        .e_ehsize = sizeof elf,
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = (Elf64_Half)(map->count + 1)};
    size_t notes_at = sizeof elf + elf.e_phnum * sizeof(Elf64_Phdr);
    size_t pages_at = (notes_at + notes.len + XEN_PAGE - 1) & ~(XEN_PAGE - 1);
    put(&head, &elf, sizeof elf);
    put_segments(&head, map, notes_at, notes.len, pages_at);
    const struct slice parts[PARTS_MAX] = {buf_slice(&head),
                                           buf_slice(&notes),
                                           {padding, pages_at - notes_at - notes.len},
                                           dump->pages};
    bool good = !head.err && !notes.err && file_replace(path, 0600, parts, PARTS_MAX);
    buf_deinit(&head);
    buf_deinit(&notes);
    return good;
}

static bool convert(const struct xen_dump *dump, const struct image *image, char *const *names)
{
    struct vcpu_guest_context first;
    struct xen_map map;
    uint64_t shift;
    memcpy(&first, dump->contexts.ptr, sizeof first);
    if (!xen_map_init(&map, dump, first.ctrlreg[3])) {
        tool_error("there is no memory left");
        return false;
    }
    bool good = find_shift(dump, &map, image->file, &shift);
    if (!good)
        tool_error("%s is not a dump of %s: its code is nowhere in it", names[0], names[1]);
    if (map.cut)
        tool_error("%s has more mappings than a core file can: the first %u are kept", names[0],
                   XEN_RUNS_MAX);
    good = good && write_core(names[2], dump, &map);
    if (good)
        printf("gdb -ex 'symbol-file -o %#llx %s' -c %s\n", (unsigned long long)shift, names[1],
               names[2]);
    xen_map_deinit(&map);
    return good;
}

int tool_core(int argc, char **argv)
{
    struct xen_dump dump;
    struct image image;
    if (argc != 3 || argv[0][0] == '-') {
        tool_error("usage: ringlet core DUMP IMAGE CORE");
        return 2;
    }
    if (!xen_dump_open(&dump, argv[0]))
        return 1;
    bool good = image_open(&image, argv[1]);
    if (good) {
        good = convert(&dump, &image, argv);
        image_close(&image);
    }
    xen_dump_close(&dump);
    return good ? 0 : 1;
}
