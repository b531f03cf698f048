/* Ends of the machine. */
#ifndef PLATFORM_PVH_POWER_H
#define PLATFORM_PVH_POWER_H

/* What a hypervisor with a debug exit device (QEMU's isa-debug-exit at port 0xf4) exits with. */
#define POWER_STATUS(code) ((code) << 1 | 1)
#define POWER_CRASHED      0x21 /* code after a fault or a panic: status 67 */
#define POWER_FAILED       0x22 /* code when the program ended with an error: status 69 */

/* Finds out how this machine is powered off. */
void power_open(void);

/* After a program that ended with that status: 0 is good. */
void power_off(int status) __attribute__((noreturn));

/* After a fault or a panic: without a debug exit the machine is reset. */
void power_crash(void) __attribute__((noreturn));

#endif
