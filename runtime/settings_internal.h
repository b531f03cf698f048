/* What the files of settings share; private to the runtime. */
#ifndef RUNTIME_SETTINGS_INTERNAL_H
#define RUNTIME_SETTINGS_INTERNAL_H

#include "runtime/settings.h"

/* Walks through all settings of all groups: start with {0, 0}; NULL at the end. */
struct settings_walk {
    size_t group, index;
};
const struct setting *settings_next(const struct setting_group *const *groups,
                                    struct settings_walk *at);

/* 'text' in quotes, control bytes escaped, cut where it is long. */
void settings_put_shown(struct buf *into, struct slice text);

/* ", did you mean --port?" where a declared name is close. */
void settings_put_guess(struct buf *into, const struct setting_group *const *groups,
                        struct slice name);

#endif
