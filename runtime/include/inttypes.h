/* For headers of third-party libraries that include it. */
#include <stdint.h>
