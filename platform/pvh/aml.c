/* See aml.h. */
#include "platform/pvh/aml.h"

#include "runtime/reader.h"

#define OP_ZERO    0x00u
#define OP_ONE     0x01u
#define OP_NAME    0x08u
#define OP_BYTE    0x0au
#define OP_WORD    0x0bu
#define OP_DWORD   0x0cu
#define OP_QWORD   0x0eu
#define OP_PACKAGE 0x12u
#define OP_NOTIFY  0x86u
#define OP_ONES    0xffu

#define RESOURCE_MEMORY32   0x86u /* 6.4.3.4 */
#define RESOURCE_SPACE32    0x87u /* 6.4.3.5.2 */
#define RESOURCE_SPACE64    0x8au /* 6.4.3.5.1 */
#define RESOURCE_INTERRUPTS 0x89u /* 6.4.3.6 */

#define QEMU_GENERATION_OFFSET 40u /* what its method ADDR adds to VGIA */

static uint64_t read_integer(struct reader *r)
{
    switch (read_u8(r)) {
    case OP_ZERO:
        return 0;
    case OP_ONE:
        return 1;
    case OP_BYTE:
        return read_u8(r);
    case OP_WORD:
        return read_le16(r);
    case OP_DWORD:
        return read_le32(r);
    case OP_QWORD:
        return read_little_endian(r, 8);
    case OP_ONES:
        return UINT64_MAX;
    default:
        r->bad = true;
        return 0;
    }
}

/* How long something is (20.2.4): what it says is not needed. */
static void skip_length(struct reader *r)
{
    uint8_t lead = read_u8(r);
    read_bytes(r, lead >> 6);
}

/* Behind `name`, which Name declares; *rest goes on there. */
static bool next_name(struct slice *rest, struct slice name)
{
    size_t at;
    while ((at = slice_search(*rest, name)) < rest->len) {
        bool rooted = at >= 2 && rest->ptr[at - 1] == '\\' && rest->ptr[at - 2] == OP_NAME;
        bool declared = rooted || (at >= 1 && rest->ptr[at - 1] == OP_NAME);
        *rest = slice_drop(*rest, at + name.len);
        if (declared)
            return true;
    }
    return false;
}

/* The first two numbers of a package. */
static bool read_package(struct slice at, uint64_t values[2])
{
    struct reader r = reader_of(at);
    r.bad = read_u8(&r) != OP_PACKAGE;
    skip_length(&r);
    uint8_t count = read_u8(&r);
    values[0] = read_integer(&r);
    values[1] = count > 1 ? read_integer(&r) : 0;
    return !r.bad && count > 0;
}

bool aml_power_off(struct slice code, uint8_t types[2])
{
    uint64_t values[2];
    while (next_name(&code, SLICE("_S5_"))) {
        if (!read_package(code, values) || values[0] > 7 || values[1] > 7)
            continue;
        types[0] = (uint8_t)values[0];
        types[1] = (uint8_t)values[1];
        return true;
    }
    return false;
}

/* --- devices --- */

/* Behind the head of a resource of that kind, whose body has at least that many bytes. */
static bool find_resource(struct slice s, uint8_t kind, size_t least, struct reader *into)
{
    for (; s.len >= 3; s = slice_drop(s, 1)) {
        size_t length = s.ptr[1] | (size_t)s.ptr[2] << 8;
        if (s.ptr[0] != kind || length < least || length > AML_DEVICE_MAX || length + 3 > s.len)
            continue;
        *into = reader_of(slice_take(slice_drop(s, 3), length));
        return true;
    }
    return false;
}

static void read_memory(struct slice s, struct aml_device *into)
{
    struct reader r;
    if (find_resource(s, RESOURCE_MEMORY32, 9, &r)) {
        read_u8(&r);
        into->address = read_le32(&r);
        into->size = read_le32(&r);
        return;
    }
    size_t width = find_resource(s, RESOURCE_SPACE64, 43, &r)   ? 8
                   : find_resource(s, RESOURCE_SPACE32, 23, &r) ? 4
                                                                : 0;
    if (!width || read_u8(&r) != 0) /* not of memory */
        return;
    read_bytes(&r, 2 + width); /* flags, granularity */
    into->address = read_little_endian(&r, width);
    read_bytes(&r, 2 * width); /* last address, translation */
    into->size = read_little_endian(&r, width);
}

static void read_interrupt(struct slice s, struct aml_device *into)
{
    struct reader r;
    if (!find_resource(s, RESOURCE_INTERRUPTS, 6, &r))
        return;
    read_u8(&r);
    into->interrupts = read_u8(&r) > 0;
    into->interrupt = read_le32(&r);
}

bool aml_next_device(struct slice *rest, struct slice id, struct aml_device *into)
{
    *rest = slice_drop(*rest, slice_search(*rest, id));
    if (!rest->len)
        return false;
    *rest = slice_drop(*rest, id.len);
    *into = (struct aml_device){
        .code = slice_take(slice_take(*rest, slice_search(*rest, id)), AML_DEVICE_MAX)};
    read_memory(into->code, into);
    read_interrupt(into->code, into);
    return true;
}

/* --- the power button of a generic event device --- */

/* The number that stands last before something: of a byte, or one. */
static uint8_t number_before(struct slice s)
{
    if (s.len >= 2 && s.ptr[s.len - 2] == OP_BYTE)
        return s.ptr[s.len - 1];
    return s.len && s.ptr[s.len - 1] == OP_ONE ? 1 : 0;
}

/* If (Local0 & bits == bits) { Notify (PWRB, 0x80) }, whatever path the name has. */
static uint8_t notified_bits(struct slice code)
{
    size_t name = slice_search(code, SLICE("PWRB"));
    for (size_t back = 1; back <= 8 && back <= name && name < code.len; back++)
        if (code.ptr[name - back] == OP_NOTIFY)
            return number_before(slice_take(code, name - back));
    return 0;
}

bool aml_button_event(const struct aml_device *d, struct aml_event *into)
{
    static const uint8_t region[] = {0x5b, 0x80}; /* OperationRegion */
    struct reader r =
        reader_of(slice_drop(d->code, slice_search(d->code, slice_of(region, sizeof region)) + 2));
    read_bytes(&r, 4); /* its name */
    bool memory = read_u8(&r) == 0;
    into->address = read_integer(&r);
    into->size = read_integer(&r) < 4 ? 1 : 4;
    into->button = notified_bits(d->code);
    return !r.bad && memory && into->address && into->button;
}

/* --- the generation --- */

/* QEMU's method ADDR adds to what its table's VGIA holds, others declare the address itself, as a package
 * of its lower and its upper half. */
bool aml_generation(struct slice code, uint64_t *address)
{
    uint64_t halves[2];
    struct slice at = code;
    if (slice_search(code, SLICE("VM_Gen_Counter")) == code.len &&
        slice_search(code, SLICE("VM_GEN_COUNTER")) == code.len)
        return false;
    if (next_name(&at, SLICE("VGIA"))) {
        struct reader r = reader_of(at);
        *address = read_integer(&r) + QEMU_GENERATION_OFFSET;
        return !r.bad && *address > QEMU_GENERATION_OFFSET;
    }
    at = code;
    if (!next_name(&at, SLICE("ADDR")) || !read_package(at, halves) || halves[0] > UINT32_MAX ||
        halves[1] > UINT32_MAX)
        return false;
    *address = halves[1] << 32 | halves[0];
    return *address != 0;
}
