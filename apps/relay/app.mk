# What the relay is linked with, and what it is given.
APP_LIBS       := dial
APP_SIGNATURES := clock console entropy memory stack timer
