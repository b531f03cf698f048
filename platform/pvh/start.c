/*
 * The start of a machine: traps, memory, time, randomness; then configuration out of the image,
 * then the kernel command line, then the program, then the loop.
 */
#include "platform/pvh/start.h"

#include "platform/pvh/apic.h"
#include "platform/pvh/entropy.h"
#include "platform/pvh/fpu.h"
#include "platform/pvh/guard.h"
#include "platform/pvh/machine.h"
#include "platform/pvh/memory.h"
#include "platform/pvh/paging.h"
#include "platform/pvh/power.h"
#include "platform/pvh/time.h"
#include "platform/pvh/trap.h"
#include "runtime/buf.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/console.h"
#include "signatures/entropy.h"
#include "signatures/program.h"

#define ARGUMENTS_MAX 64u

extern const uint8_t ringlet_config_start[], ringlet_config_end[];
extern const uint8_t ringlet_content_start[], ringlet_content_end[];
extern const uint8_t ringlet_certs_start[], ringlet_certs_end[];
extern const uint8_t ringlet_anchors_start[], ringlet_anchors_end[];

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

/* --- the command line: words, in which quotes keep blanks together --- */

static char *next_word(char **at)
{
    char *from = *at, *word, *to;
    while (*from == ' ')
        from++;
    if (!*from)
        return NULL;
    char quote = 0;
    for (word = to = from; *from && (quote || *from != ' '); from++) {
        if (*from == '"')
            quote = !quote;
        else
            *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

static size_t split(char *line, const char **words, size_t max)
{
    size_t count = 0;
    for (char *word; (word = next_word(&line)) != NULL; count++) {
        if (count == max)
            refuse("the command line has more than 64 words");
        words[count] = word;
    }
    return count;
}

static enum err read_settings(struct buf *error)
{
    static const char *words[ARGUMENTS_MAX];
    if (machine.command_line_cut)
        refuse("the command line is longer than 4095 bytes");
    settings_preset(program_settings);
    enum err e = settings_configuration(program_settings,
                                        section(ringlet_config_start, ringlet_config_end), error);
    if (e)
        return e;
    size_t count = split(machine.command_line, words, ARGUMENTS_MAX);
    return settings_arguments(program_settings, count, words, NULL, NULL, error);
}

/* --- in order --- */

static void open_machine(void)
{
    uint64_t secret;
    paging_open();
    trap_open();
    fpu_open();
    if (!entropy_open())
        refuse("the processor has no working random number generator (RDRAND): "
               "there would be no secrets");
    entropy_fill(&secret, sizeof secret);
    if (!memory_open(secret))
        refuse("too little memory");
    time_open();
    apic_open(time_ticks_per_second());
}

static int run(void)
{
    static struct world world;
    struct buf error;
    buf_init(&error, SETTINGS_ERROR_MAX);
    if (read_settings(&error)) {
        console_write(slice_text(program.name));
        console_write(SLICE(": "));
        console_write(buf_slice(&error));
        console_write(SLICE("\n"));
        return 2;
    }
    buf_deinit(&error);
    if (settings_logs.len)
        log_configure(settings_logs);
    world = (struct world){
        .content = section(ringlet_content_start, ringlet_content_end),
        .certificates = section(ringlet_certs_start, ringlet_certs_end),
        .anchors = section(ringlet_anchors_start, ringlet_anchors_end),
    };
    return program.start(&world) ? 1 : loop_run();
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
