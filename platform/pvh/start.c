/*
 * The start of a machine: traps, memory, time, randomness; then configuration out of the image,
 * then the kernel command line, then the program, then the loop.
 */
#include "platform/pvh/start.h"

#include "platform/pvh/acpi.h"
#include "platform/pvh/apic.h"
#include "platform/pvh/button.h"
#include "platform/pvh/command_line.h"
#include "platform/pvh/driver.h"
#include "platform/pvh/entropy.h"
#include "platform/pvh/fpu.h"
#include "platform/pvh/guard.h"
#include "platform/pvh/interrupt.h"
#include "platform/pvh/keyboard.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/network.h"
#include "platform/pvh/paging.h"
#include "platform/pvh/power.h"
#include "platform/pvh/signer.h"
#include "platform/pvh/stop.h"
#include "platform/pvh/storage.h"
#include "platform/pvh/time.h"
#include "platform/pvh/trap.h"
#include "runtime/buf.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/console.h"
#include "signatures/entropy.h"
#include "signatures/program.h"

#define LAST_BYTES (5 * CLOCK_SEC)

extern const uint8_t ringlet_config_start[], ringlet_config_end[];
extern const uint8_t ringlet_content_start[], ringlet_content_end[];
extern const uint8_t ringlet_prepared_start[], ringlet_prepared_end[];
extern uint8_t ringlet_keys_start[], ringlet_keys_end[]; /* empty once the signer stands */
extern const uint8_t ringlet_certs_start[], ringlet_certs_end[];
extern const uint8_t ringlet_anchors_start[], ringlet_anchors_end[];

extern void (*image_init[])(void) __attribute__((visibility("hidden")));
extern void (*image_init_end[])(void) __attribute__((visibility("hidden")));

static struct slice section(const uint8_t *start, const uint8_t *end)
{
    return slice_of(start, (size_t)((uintptr_t)end - (uintptr_t)start));
}

static void __attribute__((noreturn)) refuse(const char *why)
{
    console_write(slice_text("ringlet: cannot start: "));
    console_write(slice_text(why));
    console_write(SLICE("\n"));
    console_flush();
    power_off(1);
}

/* --- settings --- */

/* The virtio_mmio.* words of the command line are the platform's, not the program's. */
static size_t own_words(const char **words, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!slice_starts(slice_text(words[i]), SLICE("virtio_mmio.")))
            words[kept++] = words[i];
    return kept;
}

static enum err read_settings(struct buf *error)
{
    static const char *words[COMMAND_LINE_WORDS_MAX];
    static char line[MACHINE_COMMAND_MAX]; /* cut up: drivers read the other */
    if (machine.command_line_cut)
        refuse("the command line is longer than 4095 bytes");
    memcpy(line, machine.command_line, sizeof line);
    settings_preset(program_settings);
    enum err e = settings_configuration(program_settings,
                                        section(ringlet_config_start, ringlet_config_end), error);
    if (e)
        return e;
    size_t count = command_line_split(line, words);
    if (count > COMMAND_LINE_WORDS_MAX)
        refuse("the command line has more than 64 words");
    e = settings_arguments(program_settings, own_words(words, count), words, NULL, NULL, error);
    return e ? e : settings_check(program_settings, error);
}

/* --- in order --- */

static void open_machine(void)
{
    time_begin();
    paging_open();
    trap_open();
    fpu_open();
    if (!memory_open(entropy_begin()))
        refuse("too little memory");
    driver_begin_all();
    time_open();
    apic_open(time_ticks_per_second());
    acpi_open();
    power_open();
    interrupt_open();
    driver_find_all();
    button_open();
    keyboard_open();
    if (!entropy_open())
        refuse("there is no working source of random numbers, neither the processor's (RDRAND, "
               "RDSEED) nor "
               "virtio-rng: there would be no secrets");
}

static int give_up(struct buf *error)
{
    console_write(slice_text(program.name));
    console_write(SLICE(": "));
    console_write(buf_slice(error));
    console_write(SLICE("\n"));
    buf_deinit(error);
    return 1;
}

/* Flows that were closed send what is queued. */
static int end(int status)
{
    uint64_t asked_at = stop_asked_at();
    uint64_t until = (asked_at ? asked_at : clock_monotonic()) + LAST_BYTES;
    while (!machine_network_end() && clock_monotonic() < until) {
        loop_round(until);
        if (loop_stopped(&status))
            break;
    }
    return status;
}

static enum err open_signer(struct signer **into, struct buf *error)
{
    struct slice keys = section(ringlet_keys_start, ringlet_keys_end);
    enum err e = machine_signer_open(keys, into, error);
    memset(ringlet_keys_start, 0, keys.len);
    return e;
}

/* Libraries have some to run before anything else of them. */
static void run_initialisers(void)
{
    for (void (**f)(void) = image_init; f < image_init_end; f++)
        (*f)();
}

static int run(void)
{
    static struct world world;
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    run_initialisers();
    if (open_signer(&world.signer, &error) || read_settings(&error))
        return give_up(&error);
    if (settings_logs.len)
        log_configure(settings_logs);
    world = (struct world){
        .signer = world.signer,
        .content = section(ringlet_content_start, ringlet_content_end),
        .prepared = section(ringlet_prepared_start, ringlet_prepared_end),
        .certificates = section(ringlet_certs_start, ringlet_certs_end),
        .anchors = section(ringlet_anchors_start, ringlet_anchors_end),
    };
    if (machine_network_open(slice_text(program.name), &world.stack, &error) ||
        machine_storage_open(&world.block, &error))
        return give_up(&error);
    buf_deinit(&error);
    return program.start(&world) ? 1 : end(loop_run());
}

/* Without a canary of its own: it is the one frame that is open while the value changes. */
void __attribute__((no_stack_protector)) start(void)
{
    uintptr_t canary;
    open_machine();
    entropy_fill(&canary, sizeof canary);
    __stack_chk_guard = canary;
    int status = run();
    console_flush();
    power_off(status);
}
