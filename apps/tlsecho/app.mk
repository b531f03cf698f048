# What the echo is linked with, and what it is given.
APP_LIBS       := date hash tls x509
APP_SIGNATURES := clock console entropy memory signer stack timer
