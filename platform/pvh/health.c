/* See health.h. */
#include "platform/pvh/health.h"

bool health_of_words(const uint64_t *words, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (words[i] == words[k])
                return false;
    return count > 1;
}
