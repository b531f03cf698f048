/*
 * The sections of a finished image that are not code: what was configured, what was baked in, and
 * what the image says of itself. `ringlet` finds them by name in the file.
 */
    .macro blob name, file
    .section .ringlet.\name, "a", @progbits
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
    blob manifest, MANIFEST_FILE

    .section .note.GNU-stack, "", @progbits
