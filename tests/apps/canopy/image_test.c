/* Canopies whose image brings the content, and the pages of it, in the simulation. */
#include "apps/canopy/content.h"
#include "lib/site/print.h"
#include "tests/apps/canopy/scene.h"

extern const struct site_asset canopy_assets[];
extern const uint64_t canopy_assets_count;

static void on_loaded(void)
{
}

static bool is_idle(void *content)
{
    return ((const struct content *)content)->phase == CONTENT_IDLE;
}

/* The pages of the bundle, as an image has them. */
static void print_bundle(struct buf *into)
{
    static const char *const arguments[] = {"-p", "80", "-l", "quiet"};
    static struct content c;
    struct trust trust = {.settings = &canopy_settings};
    configure(arguments, 4);
    sim_reset(1);
    assert_int_equal(content_start(&c, &(struct content_given){.settings = &canopy_settings,
                                                               .assets = canopy_assets,
                                                               .asset_count = canopy_assets_count,
                                                               .baked = bundle,
                                                               .trust = &trust,
                                                               .on_loaded = on_loaded}),
                     OK);
    assert_true(sim_run(is_idle, &c, clock_monotonic() + 60 * CLOCK_SEC));
    assert_int_equal(c.asked_at, 0); /* there is no remote */
    buf_init(into, SITE_PRINT_MAX);
    assert_int_equal(site_print(c.site, &c.options, into), OK);
    content_stop(&c);
    content_release(&c);
}

/* A bundle of a tag, as `git bundle create FILE v1` makes one: the content is the commit that it leads to. */
static void content_of_a_tag(void **state)
{
    static const char *const arguments[] = {"-p", "80", "-l", "info"};
    const char *old = shell_output("git -C site rev-parse HEAD~%d", GENERATIONS - 1);
    char line[64];
    (void)state;
    snprintf(line, sizeof(line), "content: at commit %.10s", old);
    shell("cd site && git tag -a -m x v1 %s && git tag -a -m x again v1 && git bundle create -q "
          "../tagged again",
          old);
    struct slice tagged = read_file("tagged");
    struct scene s;
    configure(arguments, 4);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy, .content = tagged};
    assert_int_equal(program.start(&world), OK);
    while (s.readers[0].pages < 20 && clock_monotonic() < 60 * CLOCK_SEC)
        sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_MS), read_on(&s.readers[0]);
    assert_true(slice_search(sim_console(), slice_text(line)) < sim_console().len);
    assert_int_equal(s.readers[0].pages, 20);
    close_scene(&s);
    free((void *)(uintptr_t)tagged.ptr);
}

/* In every other image are the pages of it as well. */
static void baked_content_is_served_at_once(void **state)
{
    (void)state;
    struct buf printed;
    print_bundle(&printed);
    for (uint64_t seed = 1; seed <= SEEDS / 3; seed++)
        run_seed(seed, bundle, seed % 2 ? buf_slice(&printed) : (struct slice){NULL, 0});
    buf_deinit(&printed);
}

/* Nobody waits, though the content has not been read. What is no print is not served. */
static void prepared_pages_stand_in(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-p", "80", "-l", "info"};
    const struct slice line = SLICE("the image's pages are served"),
                       other = SLICE("cannot use the image's pages");
    struct buf printed;
    uint64_t blocks = memory_stats().blocks;
    print_bundle(&printed);
    for (size_t cut = 0; cut < 2; cut++) {
        struct scene s;
        configure(arguments, 4);
        open_scene(&s, 7);
        struct world world = {.stack = s.canopy,
                              .content = bundle,
                              .prepared = slice_take(buf_slice(&printed), printed.len - cut)};
        assert_int_equal(program.start(&world), OK);
        assert_true((slice_search(sim_console(), line) < sim_console().len) == !cut);
        assert_true((slice_search(sim_console(), other) < sim_console().len) == cut);
        while (s.readers[0].pages < 20)
            sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_MS), read_on(&s.readers[0]);
        assert_int_equal(s.readers[0].newest, 0);
        assert_int_equal(s.readers[0].waited + s.readers[0].broken, 0);
        close_scene(&s);
    }
    buf_deinit(&printed);
    assert_int_equal(memory_stats().blocks, blocks);
}

/* The content cannot be read, and neither can the remote, at first. */
static void prepared_pages_stay_until_there_are_others(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-r", "git://remote/site", "-p", "80", "-l", "info"};
    const struct slice line = SLICE("refused: ");
    struct buf printed;
    struct scene s;
    uint64_t blocks = memory_stats().blocks;
    print_bundle(&printed);
    configure(arguments, 6);
    open_scene(&s, 7);
    sim_net_link(s.net, s.canopy, s.remote, (struct sim_link){.refuse = true});
    struct world world = {.stack = s.canopy,
                          .content = slice_take(bundle, bundle.len - 1),
                          .prepared = buf_slice(&printed)};
    assert_int_equal(program.start(&world), OK);
    while (s.readers[0].pages < 20 || clock_monotonic() < 10 * CLOCK_SEC)
        sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_MS), read_on(&s.readers[0]);
    assert_true(slice_search(sim_console(), line) < sim_console().len);
    assert_int_equal(s.readers[0].newest, 0);
    gitserver_set(s.server, commits[1], packs[1]);
    sim_net_link(s.net, s.canopy, s.remote,
                 (struct sim_link){.latency_min = CLOCK_MS, .latency_max = CLOCK_MS});
    while (s.readers[0].newest < 1)
        sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_MS), read_on(&s.readers[0]);
    assert_int_equal(s.readers[0].waited + s.readers[0].broken, 0);
    close_scene(&s);
    buf_deinit(&printed);
    assert_int_equal(memory_stats().blocks, blocks);
}

static void without_a_remote_the_baked_content_stays(void **state)
{
    (void)state;
    static const char *const arguments[] = {"-p", "80", "-l", "quiet"};
    struct scene s;
    uint64_t blocks = memory_stats().blocks;
    configure(arguments, 4);
    open_scene(&s, 7);
    struct world world = {.stack = s.canopy, .content = bundle};
    assert_int_equal(program.start(&world), OK);
    while (s.readers[0].pages < 20)
        sim_run(NULL, NULL, clock_monotonic() + 10 * CLOCK_MS), read_on(&s.readers[0]);
    assert_int_equal(s.readers[0].newest, 0);
    assert_int_equal(s.readers[0].waited + s.readers[0].broken, 0);
    close_scene(&s);
    assert_int_equal(memory_stats().blocks, blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(baked_content_is_served_at_once),
        cmocka_unit_test(content_of_a_tag),
        cmocka_unit_test(prepared_pages_stand_in),
        cmocka_unit_test(prepared_pages_stay_until_there_are_others),
        cmocka_unit_test(without_a_remote_the_baked_content_stays),
    };
    return cmocka_run_group_tests_name("canopy, content in the image", tests, make_repository,
                                       NULL);
}
