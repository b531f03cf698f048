/*
 * The signer of a process: another process, which alone has read the private keys of the image.
 *
 * signer_start forks it before the program has done anything else. The child reads the keys, keeps
 * them in the vault (locked, not in core dumps), gives up all descriptors but its end of a socket
 * pair, and may from then on make three system calls: read, write, exit. The parent gives the pages of
 * the section back without having looked at them. Over the socket go requests with messages to sign
 * and answers with signatures; nothing else. When either process ends, so does the other.
 *
 * What this does not prevent: whoever runs code in the serving process may have signatures made as
 * long as he does, and may read the image's file as far as the host's permissions let him.
 */
#ifndef PLATFORM_PROCESS_SIGNER_H
#define PLATFORM_PROCESS_SIGNER_H

#include "runtime/buf.h"
#include "signatures/signer.h"

#define SIGNER_WAITING_MAX  4096u /* signatures being made, or waiting for that */
#define SIGNER_BATCH        16u   /* requests in one packet */
#define SIGNER_PACKETS      8u    /* that the child has not answered yet */
#define SIGNER_STACK_LOCKED ((size_t)256 * 1024)

/* Takes the keys of the section away (it is whole pages of read-only memory, which are gone when
 * this returns). Without keys there is no child. Any failure puts one line for people into error. */
enum err signer_start(struct slice section, struct signer **into, struct buf *error);

/* Ends the child, and answers what it has not answered with ERR_CANCELLED; for tests. */
void signer_stop(struct signer *s);

struct process_signer_counters {
    uint64_t asked;
    uint64_t answered;
    uint64_t failed;  /* answered with a reason instead of a signature */
    uint64_t refused; /* ERR_FULL */
    uint64_t packets; /* sent */
    uint32_t waiting; /* now */
};
struct process_signer_counters process_signer_counters(const struct signer *s);

#endif
