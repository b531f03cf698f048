/*
 * The sections of a finished image that are not code: what was configured, what was baked in, and
 * what the image says of itself. `ringlet` finds them by name in the file.
 */
    .macro blob name, file
    .section .ringlet.\name, "aR", @progbits /* R: kept though nothing may refer to it */
    .balign 16
    .globl ringlet_\name\()_start
    .hidden ringlet_\name\()_start
ringlet_\name\()_start:
    .incbin "\file"
    .globl ringlet_\name\()_end
    .hidden ringlet_\name\()_end
ringlet_\name\()_end:
    .byte 0
    .endm

    blob config, SETTINGS_FILE
    blob content, CONTENT_FILE
    blob prepared, PREPARED_FILE
    blob manifest, MANIFEST_FILE

    blob anchors, ANCHORS_FILE

/*
 * Of a fixed size, so that they can be replaced in the finished image: see runtime/keyring.h. What
 * holds private keys has its pages for itself, so that a program can give them back. A program that is
 * given no signer has no use for them: they are empty.
 */
    .macro hole name, size, align, file
    .section .ringlet.\name, "a", @progbits
    .balign \align
    .globl ringlet_\name\()_start
    .hidden ringlet_\name\()_start
ringlet_\name\()_start:
    .incbin "\file"
    .skip \size - (. - ringlet_\name\()_start)
    .globl ringlet_\name\()_end
    .hidden ringlet_\name\()_end
ringlet_\name\()_end:
    .endm

#ifdef SIGNER
    hole keys, 32768, 4096, KEYS_FILE
    hole certs, 65536, 16, CERTS_FILE
#else
    blob keys, KEYS_FILE
    blob certs, CERTS_FILE
#endif

    .section .note.GNU-stack, "", @progbits
