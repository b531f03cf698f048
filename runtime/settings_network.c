/* See settings_network.h. */
#include "runtime/settings_network.h"

#include "runtime/reader.h"

#define DEVICE_NAME_MAX 15u /* bytes; Linux's IFNAMSIZ less the NUL */

/* Of a program that leaves its operator no choice, too. */
struct settings_network settings_network = {.net = SLICE_INIT("host"), .dhcp = true, .ipv6 = true};

/* --- lists of addresses --- */

/* ADDRESS or ADDRESS/BITS; *told: the bits were there. */
static bool parse_prefix(struct slice text, struct settings_prefix *into, bool *told)
{
    struct slice address, bits;
    uint64_t value = 0;
    *told = slice_cut(slice_trim(text), '/', &address, &bits);
    if (!address_parse(address, &into->address))
        return false;
    bool v4 = address_is_v4(into->address);
    if (*told && (!slice_decimal(bits, v4 ? 32 : 128, &value) || value == 0))
        return false;
    into->bits = (uint8_t)(*told ? value : v4 ? 32 : 64);
    return true;
}

static size_t count_list(struct slice text, bool with_bits)
{
    size_t count = 0;
    while (text.len) {
        struct slice one;
        struct settings_prefix p;
        bool told;
        slice_cut(text, ',', &one, &text);
        if (!parse_prefix(one, &p, &told) || (told && !with_bits))
            return SIZE_MAX;
        count++;
    }
    return count;
}

static const char *check_addresses(struct slice text)
{
    return count_list(text, true) <= SETTINGS_NETWORK_ADDRESSES_MAX
               ? NULL
               : "one to eight addresses such as 192.0.2.2/24 or 2001:db8::2/64, separated by "
                 "commas";
}

static const char *check_hosts(struct slice text)
{
    return count_list(text, false) <= SETTINGS_NETWORK_ADDRESSES_MAX
               ? NULL
               : "one to eight addresses, separated by commas";
}

static uint32_t number(struct address a)
{
    struct reader r = reader_of(slice_of(a.bytes + 12, 4));
    return read_be32(&r);
}

static bool has_netmask(void)
{
    return address_is_v4(settings_network.netmask);
}

static uint8_t netmask_bits(void)
{
    uint8_t bits = 0;
    for (uint32_t mask = number(settings_network.netmask); mask & 0x80000000u; mask <<= 1)
        bits++;
    return bits;
}

bool settings_network_next(struct slice *list, struct settings_prefix *into)
{
    struct slice one;
    bool told;
    if (list->len == 0)
        return false;
    slice_cut(*list, ',', &one, list);
    if (!parse_prefix(one, into, &told))
        return false;
    if (!told && address_is_v4(into->address) && has_netmask())
        into->bits = netmask_bits();
    return true;
}

/* --- what the network is --- */

static bool is_device_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] == '/' || name.ptr[i] >= 0x7f)
            return false;
    return name.len > 0 && name.len <= DEVICE_NAME_MAX;
}

static bool cut_tap(struct slice net, struct slice *name)
{
    *name = slice_drop(net, 4);
    return slice_starts(net, SLICE("tap:")) && is_device_name(*name);
}

static const char *check_net(struct slice text)
{
    struct slice name;
    return slice_is(text, "host") || cut_tap(text, &name)
               ? NULL
               : "host, or tap: with the name of a device, such as tap:tap0";
}

bool settings_network_tap(struct slice *name)
{
    return cut_tap(settings_network.net, name);
}

bool settings_network_host(void)
{
    return slice_is(settings_network.net, "host");
}

static const char *check_netmask(struct slice text)
{
    static const char wanted[] = "a mask such as 255.255.255.0";
    struct address a;
    if (!address_parse(text, &a) || !address_is_v4(a) || number(a) == 0)
        return wanted;
    uint32_t host = ~number(a);
    return host & (host + 1) ? wanted : NULL;
}

/* --- the declarations --- */

static const struct setting settings[] = {
    {.name = "net",
     .value = "host|tap:NAME",
     .help =
         "What to speak through: the host's sockets, or a TCP/IP stack of the program's own, at "
         "the host's TAP device of that name. The settings below are for the latter",
     .preset = "host",
     .type = SETTING_TEXT,
     .check = check_net,
     .into = &settings_network.net},
    {.name = "dhcp",
     .value = "true|false",
     .help = "Take an IPv4 address, routers and resolvers from DHCP, unless --ip gives such an "
             "address",
     .preset = "true",
     .type = SETTING_BOOL,
     .into = &settings_network.dhcp},
    {.name = "ipv6",
     .value = "true|false",
     .help = "Speak IPv6: with the addresses that routers advertise, and those of --ip",
     .preset = "true",
     .type = SETTING_BOOL,
     .into = &settings_network.ipv6},
    {.name = "network",
     .value = "N",
     .help = "The number of the network card",
     .preset = "0",
     .type = SETTING_NUMBER,
     .into = &settings_network.network},
    {.name = "ip",
     .value = "ADDRESS[/BITS],...",
     .help = "The card's own addresses, IPv4 or IPv6, and how many bits name the network",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_addresses,
     .into = &settings_network.ip},
    {.name = "netmask",
     .value = "MASK",
     .help = "The network mask of an IPv4 address that says no bits itself",
     .preset = "",
     .type = SETTING_ADDRESS,
     .check = check_netmask,
     .into = &settings_network.netmask},
    {.name = "gateways",
     .value = "ADDRESS,...",
     .help = "The routers that lead out of the network",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_hosts,
     .into = &settings_network.gateways},
    {.name = "resolver",
     .value = "ADDRESS,...",
     .help = "The DNS servers that look names up, instead of those that DHCP or routers name",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_hosts,
     .into = &settings_network.resolvers},
};

/* --- together --- */

static uint8_t mapped_bits(const struct settings_prefix *p)
{
    return (uint8_t)(p->bits + (address_is_v4(p->address) ? 96 : 0));
}

/* Whether one of the addresses of the family is in the gateway's network; also where there are
 * none, or the gateway's is link-local. */
static bool reachable(struct address gateway)
{
    struct slice list = settings_network.ip;
    struct settings_prefix p;
    bool any = false;
    if (gateway.bytes[0] == 0xfe && (gateway.bytes[1] & 0xc0) == 0x80)
        return true;
    while (settings_network_next(&list, &p)) {
        if (address_is_v4(p.address) != address_is_v4(gateway))
            continue;
        if (address_in_prefix(&gateway, &p.address, mapped_bits(&p)))
            return true;
        any = true;
    }
    return !any;
}

static enum err check_networks(struct buf *error)
{
    struct slice list = settings_network.ip, one;
    struct settings_prefix p;
    bool told;
    while (list.len) {
        slice_cut(list, ',', &one, &list);
        if (!parse_prefix(one, &p, &told) || told || !address_is_v4(p.address) || has_netmask())
            continue;
        buf_printf(error,
                   "--ip: of %.*s it is not said how many bits name the network: %.*s/24, or "
                   "--netmask",
                   SLICE_ARG(one), SLICE_ARG(one));
        return ERR_ARGUMENT;
    }
    return OK;
}

/* NULL, or what an address is that no station can have (RFC 1122, 3.2.1.3; RFC 3021; RFC 4291, 2.5). */
static const char *no_station4(uint32_t address, uint8_t bits)
{
    uint32_t host = bits < 31 ? UINT32_MAX >> bits : 0;
    if (address >> 24 == 127)
        return "every machine's own";
    if (address >> 24 == 0)
        return "nobody's";
    if (address >> 24 >= 224)
        return "that of a group";
    if (host && (address & host) == 0)
        return "its network's, not a station's";
    return host && (address & host) == host ? "that of all stations of its network" : NULL;
}

static const char *no_station(const struct settings_prefix *p)
{
    if (address_is_v4(p->address))
        return no_station4(number(p->address), p->bits);
    if (!settings_network.ipv6)
        return "of IPv6, which --ipv6 turns off";
    if (address_is_loopback(p->address))
        return "every machine's own";
    if (address_equal(&p->address, &ADDRESS_ANY))
        return "nobody's";
    return p->address.bytes[0] == 0xff ? "that of a group" : NULL;
}

static enum err check_stations(struct buf *error)
{
    struct slice list = settings_network.ip;
    struct settings_prefix p;
    while (settings_network_next(&list, &p)) {
        char text[ADDRESS_TEXT_MAX];
        const char *why = no_station(&p);
        if (!why)
            continue;
        address_format(p.address, text);
        buf_printf(error, "--ip: the address %s is %s", text, why);
        return ERR_ARGUMENT;
    }
    return OK;
}

static bool is_own(struct address a)
{
    struct slice list = settings_network.ip;
    struct settings_prefix p;
    while (settings_network_next(&list, &p))
        if (address_equal(&p.address, &a))
            return true;
    return false;
}

static enum err check_together(struct buf *error)
{
    struct slice list = settings_network.gateways;
    struct settings_prefix gateway;
    enum err e = check_networks(error);
    if (!e)
        e = check_stations(error);
    while (!e && settings_network_next(&list, &gateway)) {
        char text[ADDRESS_TEXT_MAX];
        bool own = is_own(gateway.address);
        if (reachable(gateway.address) && !own)
            continue;
        address_format(gateway.address, text);
        buf_printf(error, "--gateways: %s is %s", text,
                   own ? "an address of --ip, our own" : "in no network of --ip");
        e = ERR_ARGUMENT;
    }
    return e;
}

const struct setting_group settings_network_group = {
    .title = "Network",
    .settings = settings,
    .count = sizeof settings / sizeof settings[0],
    .check = check_together,
};
