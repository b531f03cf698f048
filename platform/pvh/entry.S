/*
 * The first instructions (PVH boot protocol, Xen's docs/misc/pvh.pandoc): 32-bit protected mode,
 * paging off, flat segments, ebx = the physical address of struct hvm_start_info. Nothing may be
 * taken for granted of the stack.
 *
 * Turns paging on with a mapping of the first 4 GiB to itself, which lives only until paging.c has
 * built the real one, and goes on in 64-bit mode. The image lies where it was linked, at 1 MiB; all
 * addresses are taken relative to the instruction pointer all the same, since the image is linked to
 * be moved.
 */
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18          /* lengths of name and value; XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long pvh_entry_address

    /* The 32-bit address of the entry, which the linker knows: the image is loaded where it is linked. */
    .set pvh_entry_address, 0x100000

#define START_INFO_MAGIC 0x336ec578 /* start_info.h */
#define START_MEMORY_RAM 1
#define POWER_FAILED     0x22       /* power.h */

#define CR0_PE_MP_NE_WP_PG 0x80010023
#define CR4_PAE_OSFXSR_XMM 0x620
#define MSR_EFER           0xc0000080
#define EFER_LME_NXE       0x900
#define PRESENT_WRITE      3
#define LARGE              0x80

    .section .text.entry, "ax"
    .code32
    .globl pvh_entry
    .type pvh_entry, @function
pvh_entry:
    cld
    cli
    jmp check_memory
enough_memory:
    movl $(early_stack_end - pvh_entry + 0x100000), %esp
    movl %ebx, %esi

    /* Firmware may have worked where only zeroes were loaded. */
    xorl %eax, %eax
    movl $(image_zeroes - pvh_entry + 0x100000), %edi
    movl $(image_end - pvh_entry + 0x100000), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    rep stosl

    /* Four directories of 2 MiB pages, then the two tables above them. */
    movl $(early_tables - pvh_entry + 0x100000), %edi
    movl %edi, %edx
    movl $(PRESENT_WRITE | LARGE), %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 1b
    leal PRESENT_WRITE(%edx), %eax
    movl $4, %ecx
2:  movl %eax, (%edi)               /* edi: the table of directories */
    addl $8, %edi
    addl $4096, %eax
    loop 2b
    leal (4 * 4096 + PRESENT_WRITE)(%edx), %eax
    movl %eax, (5 * 4096)(%edx)
    leal (5 * 4096)(%edx), %eax
    movl %eax, %cr3

    movl $CR4_PAE_OSFXSR_XMM, %eax
    movl %eax, %cr4
    movl $MSR_EFER, %ecx
    rdmsr
    orl $EFER_LME_NXE, %eax
    wrmsr
    movl $CR0_PE_MP_NE_WP_PG, %eax
    movl %eax, %cr0
    lgdt (early_gdt_pointer - pvh_entry + 0x100000)
    ljmp $8, $(long_mode - pvh_entry + 0x100000)

/* All of the image has to lie in one range of the map: its own stack and tables are at its end. Without a map
 * of the memory it is early.c that refuses. */
check_memory:
    cmpl $START_INFO_MAGIC, (%ebx)
    jne enough_memory
    movl 40(%ebx), %esi             /* the map, and its number of entries */
    movl 48(%ebx), %ecx
    cmpl $1, 4(%ebx)
    jb enough_memory
    jecxz too_little
1:  cmpl $START_MEMORY_RAM, 16(%esi)
    jne 2f
    cmpl $0, 4(%esi)                /* begins below 4 GiB, and not above the image */
    jne 2f
    movl (%esi), %eax
    cmpl $0x100000, %eax
    ja 2f
    xorl %edx, %edx
    addl 8(%esi), %eax
    adcl 12(%esi), %edx
    jnz enough_memory
    cmpl $(image_end - pvh_entry + 0x100000), %eax
    jae enough_memory
2:  addl $24, %esi
    loop 1b

/* Without a stack: on the serial port, and where hypervisors have a port for it. */
too_little:
    movl $(too_little_text - pvh_entry + 0x100000), %esi
1:  lodsb
    testb %al, %al
    jz 3f
    movb %al, %bl
    movl $100000, %ecx
    movw $0x3fd, %dx
2:  inb %dx, %al
    testb $0x20, %al
    loopz 2b
    movb %bl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    outb %al, $0xe9
    jmp 1b
3:  movb $POWER_FAILED, %al         /* as power.c ends */
    outb %al, $0xf4
    movb $0xfe, %al
    outb %al, $0x64
4:  hlt
    jmp 4b
too_little_text:
    .asciz "ringlet: cannot start: too little memory: the image itself does not fit\n"

    .code64
long_mode:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl %esi, %edi                 /* the start info, for both */
    pushq %rdi
    call relocate                   /* -> rax: how far every address has moved */
    popq %rdi
    movq %rax, %rsi
    call early_main                 /* does not come back */
    ud2

    .balign 8
early_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        /* code, 64 bit, ring 0 */
    .quad 0x00cf93000000ffff        /* data */
early_gdt_pointer:
    .word early_gdt_pointer - early_gdt - 1
    .long early_gdt - pvh_entry + 0x100000

    .bss
    .balign 4096
early_tables:
    .skip 6 * 4096
early_stack:
    .skip 16384
early_stack_end:
