# What disk is linked with, and what it is given.
APP_LIBS       :=
APP_SIGNATURES := block console memory timer
