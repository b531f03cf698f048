/* For third-party code that includes it. Our own mistakes are caught by runtime/panic.h. */
#ifndef RUNTIME_INCLUDE_ASSERT_H
#define RUNTIME_INCLUDE_ASSERT_H

#include "runtime/panic.h"

#define assert(condition) assert_always(condition)

#ifndef __cplusplus
#undef static_assert
#define static_assert _Static_assert
#endif

#endif
