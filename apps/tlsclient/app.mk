# What the client is linked with, and what it is given.
APP_LIBS       := date dial hash tls x509
APP_SIGNATURES := clock console entropy memory stack timer
