/*
 * What the files protocol*.c share; private to them.
 *
 * Each state is a function that is given one line (a state of the pack: the input) and either moves
 * the client on or fails. A failure is latched, with its line for people.
 */
#ifndef LIB_GIT_PROTOCOL_STATES_H
#define LIB_GIT_PROTOCOL_STATES_H

#include "lib/git/protocol.h"

#define GIT_AGENT "ringlet"

/* Always returns why, so that a state can return it. */
enum err git_client_fail(struct git_client *c, enum err why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, quoting what the remote said. */
enum err git_client_fail_quoting(struct git_client *c, enum err why, const char *before,
                                 struct slice quoted);

/* Hands an event to the caller before the next input is looked at. */
void git_client_tell(struct git_client *c, enum git_client_what what, struct slice bytes);

/* Hands out the request in c->out; then `next` reads what the remote answers. */
enum err git_client_ask(struct git_client *c, enum git_client_state next);

/* One more line of the present list. */
enum err git_client_count(struct git_client *c, uint32_t max, const char *what);

/* The list of refs: one of them, and its end. name^{} gives what the tag before it points to. */
enum err git_client_ref(struct git_client *c, struct slice name, struct slice id);
enum err git_client_peeled(struct git_client *c, struct slice name, struct slice id);
void git_client_symref(struct git_client *c, struct slice target);
enum err git_client_refs_end(struct git_client *c);

/* object-format=... */
enum err git_client_format(struct git_client *c, struct slice name);
const char *git_client_format_name(const struct git_client *c);

/* How many of the owner's commits can be told to this remote. */
size_t git_client_haves(const struct git_client *c);

enum err git_state_v2_capabilities(struct git_client *c, const struct pkt *p);
enum err git_state_v2_refs(struct git_client *c, const struct pkt *p);
enum err git_state_v2_section(struct git_client *c, const struct pkt *p);
enum err git_state_v2_acks(struct git_client *c, const struct pkt *p);
enum err git_state_v0_refs(struct git_client *c, const struct pkt *p);
enum err git_state_v0_ack(struct git_client *c, const struct pkt *p);
enum err git_state_band_pack(struct git_client *c, struct slice *in);
enum err git_state_bare_pack(struct git_client *c, struct slice *in);

enum err git_request_v2_fetch(struct git_client *c);
enum err git_request_v0_fetch(struct git_client *c);

#endif
