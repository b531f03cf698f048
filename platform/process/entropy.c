/* Randomness of a process: the kernel's generator. Without it there is nothing to fall back on. */
#include "signatures/entropy.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "runtime/panic.h"

void entropy_fill(void *into, size_t len)
{
    uint8_t *at = into;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            panic("the kernel gives no random bytes");
        at += got;
        len -= (size_t)got;
    }
}
