/* Between our words and the host's: endpoints, error numbers, sockets. Private to this platform. */
#ifndef PLATFORM_PROCESS_SOCKET_H
#define PLATFORM_PROCESS_SOCKET_H

#include <sys/socket.h>

#include "runtime/address.h"
#include "runtime/err.h"

/* IPv4 endpoints become AF_INET addresses, all others AF_INET6. Returns the length. */
socklen_t socket_address(struct endpoint e, struct sockaddr_storage *into);
struct endpoint socket_endpoint(const struct sockaddr_storage *from);

enum err socket_error(int number);

/* What was received is acknowledged now rather than later. */
void socket_acknowledge(int fd);

/* Closes so that the peer is told by a reset. */
void socket_reset(int fd);

/* The error number that the kernel holds for the socket, and clears by this. */
int socket_pending_error(int fd);

#endif
