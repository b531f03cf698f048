/* The start of a program: what it is given, how arguments are refused, how it ends. It is run in
 * child processes; its standard output and error come back over a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <fcntl.h>
#include <sys/wait.h>

int process_main(int count, char **arguments);
#define main process_main
#include "platform/process/main.c"
#undef main

/* --- an image --- */

const uint8_t ringlet_config_start[] = "port = 81\nname = configured\n";
const uint8_t ringlet_content_start[] = "content";
const uint8_t ringlet_prepared_start[] = "pages";
const uint8_t ringlet_keys_start[] = "";
const uint8_t ringlet_certs_start[] = "c";
const uint8_t ringlet_anchors_start[] = "a";

/* Where the linker would put them: right behind. */
#define END_OF(section, length)                                                                 \
    __asm__(".globl ringlet_" #section "_end\n.set ringlet_" #section "_end, ringlet_" #section \
            "_start + " #length)
END_OF(config, 28);
END_OF(content, 7);
END_OF(prepared, 5);
END_OF(keys, 0);
END_OF(certs, 1);
END_OF(anchors, 1);

/* --- a program --- */

static uint16_t port;
static struct slice name, secret;

static const struct setting list[] = {
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Where to listen",
     .preset = "80",
     .type = SETTING_PORT,
     .into = &port},
    {.name = "name",
     .value = "NAME",
     .help = "What to be called",
     .preset = "nobody",
     .type = SETTING_TEXT,
     .into = &name},
    {.name = "hook-secret",
     .value = "SECRET",
     .secret = true,
     .help = "A secret",
     .preset = "hidden",
     .type = SETTING_TEXT,
     .into = &secret},
};
static const struct setting_group group = {.title = "Settings", .settings = list, .count = 3};
const struct setting_group *const program_settings[] = {&group, &settings_logs_group, NULL};

static void on_stop(void)
{
    log_info("test", "asked to stop");
    if (slice_is(name, "stubborn"))
        return;
    loop_stop(0);
}

static enum err start(const struct world *w)
{
    log_debug("test", "debugging");
    log_info("test", "port %u, name %.*s, content %.*s", port, SLICE_ARG(name),
             SLICE_ARG(w->content));
    if (slice_is(name, "failing"))
        return ERR_IO;
    if (slice_is(name, "quick"))
        loop_stop(5);
    if (slice_is(name, "dumped"))
        loop_stop(10 + prctl(PR_GET_DUMPABLE));
    return w->stack ? OK : ERR_IO;
}

const struct program program = {
    .name = "testee", .summary = "a program for tests", .start = start, .stop = on_stop};

/* --- running it --- */

struct run {
    pid_t pid;
    int out;
    char text[8192];
    size_t length;
};

static void begin(struct run *r, const char *a, const char *b)
{
    int ends[2];
    fflush(NULL);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    *r = (struct run){.out = ends[0], .pid = fork()};
    if (r->pid == 0) {
        char *arguments[] = {(char *)(uintptr_t) "testee", (char *)(uintptr_t)a,
                             (char *)(uintptr_t)b, NULL};
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        _exit(process_main(1 + (a != NULL) + (b != NULL), arguments));
    }
    close(ends[1]);
}

static void read_more(struct run *r)
{
    ssize_t n = read(r->out, r->text + r->length, sizeof r->text - 1 - r->length);
    r->length += n > 0 ? (size_t)n : 0;
}

static int finish_run(struct run *r)
{
    int status;
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    read_more(r);
    close(r->out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(struct run *r, const char *a, const char *b)
{
    begin(r, a, b);
    return finish_run(r);
}

static void check_ends(const struct run *r, const char *end)
{
    if (!slice_ends(slice_of(r->text, r->length), slice_text(end)))
        fail_msg("'%s' does not end with '%s'", r->text, end);
}

static void test_help(void **state)
{
    (void)state;
    struct run r;
    assert_int_equal(run(&r, "--help", NULL), 0);
    assert_true(slice_starts(slice_of(r.text, r.length),
                             SLICE("testee: a program for tests\n\nUsage: testee [SETTING]...\n")));
    assert_null(strstr(r.text, "hidden"));
    assert_int_equal(run(&r, "--name", "-h"), 0);
    assert_non_null(strstr(r.text, "Usage"));
}

static void test_refusal(void **state)
{
    (void)state;
    struct run r;
    assert_int_equal(run(&r, "--port", "99999"), 2);
    assert_string_equal(r.text, "testee: --port: '99999' is not a port (1 to 65535)\n"
                                "Try: testee --help\n");
    assert_int_equal(run(&r, "--nmae", "x"), 2);
    assert_non_null(strstr(r.text, "did you mean --name?"));
    assert_int_equal(run(&r, "-l", "noisy"), 2);
}

static void test_precedence_and_start(void **state)
{
    (void)state;
    struct run r;
    assert_int_equal(run(&r, "--name", "failing"), 1);
    check_ends(&r, "Z info    test: port 81, name failing, content content\n");
    assert_int_equal(run(&r, "-p82", "--name=quick"), 5);
    check_ends(&r, "Z info    test: port 82, name quick, content content\n");
    assert_int_equal(run(&r, "--name=quick", "--logs=debug"), 5);
    assert_non_null(strstr(r.text, "debug   test: debugging\n"));
    assert_int_equal(run(&r, "--name=quick", "--logs=quiet"), 5);
    assert_string_equal(r.text, "");
}

static void test_signals(void **state)
{
    (void)state;
    struct run r;
    begin(&r, NULL, NULL);
    read_more(&r); /* it has started */
    check_ends(&r, "port 81, name configured, content content\n");
    kill(r.pid, SIGPIPE); /* nothing to it */
    kill(r.pid, SIGTERM);
    assert_int_equal(finish_run(&r), 0);
    check_ends(&r, "asked to stop\n");

    begin(&r, "--name", "stubborn");
    read_more(&r);
    kill(r.pid, SIGINT);
    read_more(&r);
    check_ends(&r, "asked to stop\n");
    kill(r.pid, SIGINT); /* somebody means it */
    assert_int_equal(finish_run(&r), 128 + SIGINT);
}

/* Nothing of its memory may come into a file, nor before the eyes of the same user. */
static void test_no_core_dump(void **state)
{
    (void)state;
    struct run r;
    assert_int_equal(run(&r, "--name=dumped", NULL), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_precedence_and_start),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_no_core_dump),
    };
    return cmocka_run_group_tests_name("start, process", tests, NULL, NULL);
}
