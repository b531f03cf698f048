# What hello is linked with, and what it is given.
APP_LIBS       :=
APP_SIGNATURES := console
