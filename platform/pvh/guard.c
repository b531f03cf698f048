/* What -fstack-protector calls: see start.c for the value's randomness. */
#include "platform/pvh/guard.h"

#include "platform/pvh/cpu.h"
#include "runtime/panic.h"

uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) __attribute__((noreturn));

#define MSR_FS_BASE 0xc0000100u
#define CANARY_SLOT 5 /* %fs:0x28 */

void guard_for_libraries(uintptr_t canary)
{
    static uintptr_t storage[CANARY_SLOT + 1];
    storage[CANARY_SLOT] = canary;
    cpu_write_msr(MSR_FS_BASE, (uint64_t)storage);
}

void __stack_chk_fail(void)
{
    panic("a stack frame was overwritten");
}
