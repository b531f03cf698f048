/* The page that Xen fills with the ways into it, one of 32 bytes for each call: code, which we never
 * write (guest.c tells Xen where it is). Until then every call is an invalid instruction. */
    .section .text.hypercall, "ax", @progbits
    .balign 4096
    .globl hypercall_page
    .hidden hypercall_page
hypercall_page:
    .rept 2048
    ud2
    .endr
    .section .note.GNU-stack, "", @progbits
