# What the echo is linked with, and what it is given.
APP_LIBS       :=
APP_SIGNATURES := clock console entropy memory stack timer
