/* See socket.h. */
#include "platform/process/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

socklen_t socket_address(struct endpoint e, struct sockaddr_storage *into)
{
    if (address_is_v4(e.address)) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(e.port)};
        memcpy(&v4.sin_addr, e.address.bytes + 12, sizeof v4.sin_addr);
        memcpy(into, &v4, sizeof v4);
        return sizeof v4;
    }
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(e.port), .sin6_scope_id = e.zone};
    memcpy(&v6.sin6_addr, e.address.bytes, sizeof v6.sin6_addr);
    memcpy(into, &v6, sizeof v6);
    return sizeof v6;
}

struct endpoint socket_endpoint(const struct sockaddr_storage *from)
{
    struct endpoint e = {0};
    if (from->ss_family == AF_INET) {
        struct sockaddr_in v4;
        uint8_t b[4];
        memcpy(&v4, from, sizeof v4);
        memcpy(b, &v4.sin_addr, sizeof b);
        e.address = address_v4(b[0], b[1], b[2], b[3]);
        e.port = ntohs(v4.sin_port);
    } else if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof v6);
        memcpy(e.address.bytes, &v6.sin6_addr, sizeof e.address.bytes);
        e.port = ntohs(v6.sin6_port);
        e.zone = v6.sin6_scope_id;
    }
    return e;
}

enum err socket_error(int number)
{
    switch (number) {
    case 0:
        return OK;
    case EAGAIN:
    case EINPROGRESS:
        return ERR_AGAIN;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return ERR_RESET;
    case ECONNREFUSED:
        return ERR_REFUSED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return ERR_UNREACHABLE;
    case EADDRINUSE:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EMFILE:
    case ENFILE:
        return ERR_FULL;
    case ENOMEM:
    case ENOBUFS:
        return ERR_MEMORY;
    case EINVAL:
        return ERR_ARGUMENT;
    default:
        return ERR_IO;
    }
}

void socket_acknowledge(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on); /* not for good: until it sends */
}

void socket_reset(int fd)
{
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fd);
}

int socket_pending_error(int fd)
{
    int number = 0;
    socklen_t len = sizeof number;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0)
        return errno;
    return number;
}
