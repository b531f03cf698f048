/* Whether KVM helps: on machines that are themselves virtual, /dev/kvm may be there and of no use. */
#ifndef TOOL_KVM_H
#define TOOL_KVM_H

/* Runs ten thousand instructions in ring 0 under /dev/kvm. NULL: it is fast; else why it is of no use
 * ("..., behind the name of the device"). Takes some 50 ms at most. */
const char *kvm_useless(void);

#endif
