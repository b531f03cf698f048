/* KVM as our hypervisor (Documentation/virt/kvm/x86/cpuid.rst, msr.rst). */
#ifndef PLATFORM_PVH_KVM_H
#define PLATFORM_PVH_KVM_H

/* Asks it for its clock, and uses it (time.h), where it is KVM and has one. */
void kvm_clock_open(void);

#endif
