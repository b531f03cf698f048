/*
 * See kvm.h. The smallest machine there is: one page of code in 64-bit mode, a loop and a halt. A
 * processor runs it in some ten microseconds. Where ring 0 is interpreted instead, as some nested
 * hypervisors do it, each instruction takes microseconds, and QEMU's own translation is far faster.
 */
#include "tool/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MEMORY   0x5000u
#define CODE     0x1000u
#define TABLES   0x2000u /* three levels, a page each */
#define PRESENT  3u      /* and writable */
#define LARGE    0x80u
#define RUNS     3
#define FAST_NS  1500000 /* of the processor's time, in the best of all runs */
#define CR0_BITS 0x80000011u
#define CR4_PAE  0x20u
#define EFER_LMA 0x500u

/* mov $5000, %ecx; 1: dec %ecx; jnz 1b; hlt */
static const uint8_t code[] = {0xb9, 0x88, 0x13, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xf4};

struct probe {
    int kvm, machine, processor;
    uint8_t *memory;
    struct kvm_run *run;
    size_t run_size;
};

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

static bool set_memory(struct probe *p)
{
    p->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->memory == MAP_FAILED)
        return false;
    memcpy(p->memory + CODE, code, sizeof code);
    put64(p->memory + TABLES, (TABLES + 0x1000) | PRESENT);
    put64(p->memory + TABLES + 0x1000, (TABLES + 0x2000) | PRESENT);
    put64(p->memory + TABLES + 0x2000, LARGE | PRESENT);
    struct kvm_userspace_memory_region region = {.memory_size = MEMORY,
                                                 .userspace_addr = (uintptr_t)p->memory};
    return ioctl(p->machine, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static bool set_processor(struct probe *p)
{
    struct kvm_sregs s;
    int size = ioctl(p->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    p->processor = ioctl(p->machine, KVM_CREATE_VCPU, 0);
    if (p->processor < 0 || size <= 0 || ioctl(p->processor, KVM_GET_SREGS, &s) != 0)
        return false;
    p->run_size = (size_t)size;
    p->run = mmap(NULL, p->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, p->processor, 0);
    s.cr0 = CR0_BITS;
    s.cr3 = TABLES;
    s.cr4 = CR4_PAE;
    s.efer = EFER_LMA;
    s.cs = (struct kvm_segment){
        .limit = UINT32_MAX, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
    s.ds = s.es = s.fs = s.gs = s.ss = (struct kvm_segment){
        .limit = UINT32_MAX, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
    return p->run != MAP_FAILED && ioctl(p->processor, KVM_SET_SREGS, &s) == 0;
}

/* Of the processor's time, so that a busy machine is not taken for a slow one. */
static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const char *measure(struct probe *p)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < RUNS && best > FAST_NS; i++) {
        struct kvm_regs r = {.rip = CODE, .rflags = 2};
        int64_t began = now();
        if (ioctl(p->processor, KVM_SET_REGS, &r) != 0 || ioctl(p->processor, KVM_RUN, 0) != 0 ||
            p->run->exit_reason != KVM_EXIT_HLT)
            return "does not run a program in ring 0";
        int64_t took = now() - began;
        best = took < best ? took : best;
    }
    return best > FAST_NS ? "interprets ring 0 instead of running it" : NULL;
}

static void close_all(struct probe *p)
{
    if (p->run && p->run != MAP_FAILED)
        munmap(p->run, p->run_size);
    if (p->memory && p->memory != MAP_FAILED)
        munmap(p->memory, MEMORY);
    const int files[] = {p->processor, p->machine, p->kvm};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (files[i] >= 0)
            close(files[i]);
}

const char *kvm_useless(void)
{
    struct probe p = {.machine = -1, .processor = -1};
    p.kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (p.kvm < 0)
        return errno == ENOENT ? "is not there" : "may not be used (the group kvm may)";
    p.machine = ioctl(p.kvm, KVM_CREATE_VM, 0);
    const char *why =
        p.machine >= 0 && set_memory(&p) && set_processor(&p) ? measure(&p) : "makes no machine";
    close_all(&p);
    return why;
}
