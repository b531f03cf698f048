/*
 * lwIP as a server on a machine with plenty of memory would have it: no threads, large windows, room
 * for many connections, checksums left to the card where it takes them, and none of the checks and
 * statistics that cost time.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_STATS           0
#define LWIP_NOASSERT        1

#define LWIP_IPV4                     1
#define LWIP_IPV6                     1
#define LWIP_SINGLE_NETIF             1
#define LWIP_IPV6_AUTOCONFIG          0
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define ARP_TABLE_SIZE                64
#define LWIP_UDP                      0
#define LWIP_RAW                      0
#define LWIP_DNS                      0
#define LWIP_DHCP                     0

/* Memory: malloc for what varies, pools (of 65535 at most) for what does not. */
#define MEM_ALIGNMENT           8
#define MEM_LIBC_MALLOC         1
#define MEMP_NUM_TCP_PCB        16384
#define MEMP_NUM_TCP_PCB_LISTEN 16
#define MEMP_NUM_TCP_SEG        65535
#define MEMP_NUM_PBUF           65535
#define MEMP_NUM_REASSDATA      64
#define IP_REASS_MAX_PBUFS      1024
#define LWIP_PBUF_REF_T         u16_t

#define TCP_MSS                    1460
#define LWIP_WND_SCALE             1
#define TCP_RCV_SCALE              5
#define TCP_WND                    (1024 * 1024)
#define TCP_SND_BUF                (256 * 1024)
#define TCP_SND_QUEUELEN           4096
#define TCP_SNDLOWAT               32768 /* of sockets, which there are none of */
#define TCP_OVERSIZE               TCP_MSS
#define TCP_QUEUE_OOSEQ            1
#define LWIP_TCP_SACK_OUT          1
#define LWIP_TCP_KEEPALIVE         1
#define TCP_LISTEN_BACKLOG         1
#define TCP_DEFAULT_LISTEN_BACKLOG 0xff

/* What arrives stands in memory of malloc's, not in the pool that is checked for room. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

/* Which checksums are made and verified is told for each interface, and for each frame. */
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHKSUM_ALGORITHM        3

#endif
