# What disk is linked with, and what it is given.
APP_LIBS       :=
APP_SIGNATURES := block clock console memory timer
