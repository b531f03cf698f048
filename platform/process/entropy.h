/* Randomness for a process that may not ask the kernel any more. Private to this platform. */
#ifndef PLATFORM_PROCESS_ENTROPY_H
#define PLATFORM_PROCESS_ENTROPY_H

/* Takes a seed from the kernel; from now on entropy_fill makes its bytes of that (ChaCha20, whose key
 * is replaced after each use) and makes no system call. */
void entropy_seal(void);

#endif
