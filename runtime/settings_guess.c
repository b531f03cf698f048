/* The declared name that is closest to a mistyped one, by the distance of Levenshtein. */
#include "runtime/settings_internal.h"

#define GUESSED_MAX 32 /* longer names are not guessed */
#define DISTANCE_OK 2  /* letters to add, drop or change */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* One row of the usual matrix is enough: row[j] is the distance of a's first i to b's first j. */
static size_t distance(struct slice a, struct slice b)
{
    size_t row[GUESSED_MAX + 1];
    if (a.len > GUESSED_MAX || b.len > GUESSED_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, change);
        }
    }
    return row[b.len];
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
