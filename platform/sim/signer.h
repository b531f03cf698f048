/*
 * A signer for tests: in the same process, with answers after a delay of virtual time, and failures
 * on demand.
 */
#ifndef PLATFORM_SIM_SIGNER_H
#define PLATFORM_SIM_SIGNER_H

#include "signatures/signer.h"

#define SIM_SIGNER_WAITING_MAX 1024u /* more are ERR_FULL */

/* Reads the keys of a section (runtime/keyring.h); panics over what is none. */
struct signer *sim_signer_open(struct slice section);

/* Signatures that are being made are forgotten, without an answer. */
void sim_signer_close(struct signer *s);

void sim_signer_delay(struct signer *s, uint64_t ns); /* from now on; 0 at first */
void sim_signer_break(struct signer *s); /* all answers, and those to come, are ERR_IO */

/* How many are being made. */
size_t sim_signer_waiting(const struct signer *s);

#endif
