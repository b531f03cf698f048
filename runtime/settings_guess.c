/*
 * The declared name that is closest to a mistyped one: by the number of letters to add, to drop, to
 * change, or to swap with their neighbours (the distance of Damerau and Levenshtein).
 */
#include "runtime/settings_internal.h"

#define GUESSED_MAX 32 /* longer names are not guessed */
#define DISTANCE_OK 2

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool swapped(struct slice a, struct slice b, size_t i, size_t j)
{
    return i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1];
}

static size_t distance(struct slice a, struct slice b)
{
    size_t d[GUESSED_MAX + 1][GUESSED_MAX + 1]; /* d[i][j]: between a's first i and b's first j */
    if (a.len > GUESSED_MAX || b.len > GUESSED_MAX)
        return SIZE_MAX;
    for (size_t i = 0; i <= a.len; i++) {
        for (size_t j = 0; j <= b.len; j++) {
            d[i][j] = i + j; /* where one of them is nothing */
            if (i && j) {
                size_t change = d[i - 1][j - 1] + (a.ptr[i - 1] != b.ptr[j - 1]);
                d[i][j] = lesser(change, lesser(d[i - 1][j], d[i][j - 1]) + 1);
            }
            if (swapped(a, b, i, j))
                d[i][j] = lesser(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.len][b.len];
}

void settings_put_guess(struct buf *into, const struct setting_group *const *groups,
                        struct slice name)
{
    const struct setting *best = NULL;
    size_t best_distance = DISTANCE_OK + 1;
    struct settings_walk at = {0, 0};
    for (const struct setting *s; (s = settings_next(groups, &at)) != NULL;) {
        size_t d = distance(name, slice_text(s->name));
        if (d < best_distance && d < strlen(s->name)) {
            best = s;
            best_distance = d;
        }
    }
    if (best)
        buf_printf(into, "; did you mean --%s?", best->name);
}
