/*
 * What the tests of a process's signer share: a key of each kind, the sections that hold them, and what
 * /proc says of the process that signs.
 */
#ifndef RINGLET_TESTS_PLATFORM_PROCESS_SIGNER_KEYS_H
#define RINGLET_TESTS_PLATFORM_PROCESS_SIGNER_KEYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/keyring.h"
#include "signatures/clock.h"
#include "signatures/signer.h"
#include "tests/support/pki.h"

#define KINDS 4

/* The address sanitizer locks no memory. */
#ifdef __SANITIZE_ADDRESS__
#define LOCKED_MIN 0
#else
#define LOCKED_MIN 1024
#endif

static struct pki keys[KINDS];
static const char *const names[KINDS] = {"p256", "rsa", "p384", "ed"};
static const uint16_t schemes[KINDS] = {SIGNER_ECDSA_P256_SHA256, SIGNER_RSA_PSS_SHA256,
                                        SIGNER_ECDSA_P384_SHA384, SIGNER_PURE_ED25519};

static void make_keys(void)
{
    const enum signer_algorithm kinds[KINDS] = {SIGNER_ECDSA_P256, SIGNER_RSA, SIGNER_ECDSA_P384,
                                                SIGNER_ED25519};
    const int64_t now = clock_wall() / (int64_t)CLOCK_SEC;
    for (int i = 0; i < KINDS; i++) {
        const struct pki_request r = {.name = names[i],
                                      .algorithm = kinds[i],
                                      .not_before = now - PKI_DAY,
                                      .not_after = now + PKI_DAY};
        keys[i] = pki_make(&r, NULL);
    }
}

static void free_keys(void)
{
    for (int i = 0; i < KINDS; i++)
        pki_free(&keys[i]);
}

static void put_sections(struct buf *section, struct buf *certs)
{
    struct pki_entry entries[KINDS];
    for (int i = 0; i < KINDS; i++)
        entries[i] = (struct pki_entry){names[i], {&keys[i], NULL}};
    buf_init(section, KEYRING_KEYS_SIZE);
    buf_init(certs, KEYRING_CERTS_SIZE);
    pki_keys(section, entries, KINDS);
    pki_certs(certs, entries, KINDS);
}

/* The only child of a process. */
static pid_t child_of(pid_t parent)
{
    char path[64];
    int child = 0;
    sprintf(path, "/proc/%d/task/%d/children", parent, parent);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &child), 1);
    fclose(f);
    return child;
}

static long status_of(pid_t pid, const char *field)
{
    char path[64], line[256];
    long value = -1;
    sprintf(path, "/proc/%d/status", pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field) + 1, NULL, 10);
    fclose(f);
    return value;
}

static void check_process(pid_t child)
{
    char path[64];
    int descriptors = 0;
    sprintf(path, "/proc/%d/fd", child);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.') {
            assert_string_equal(e->d_name, "0");
            descriptors++;
        }
    closedir(d);
    assert_int_equal(descriptors, 1);
    assert_int_equal(status_of(child, "Seccomp:"), 2);
    assert_int_equal(status_of(child, "NoNewPrivs:"), 1);
    assert_true(status_of(child, "VmLck:") >= LOCKED_MIN);
    struct rlimit core;
    assert_int_equal(prlimit(child, RLIMIT_CORE, NULL, &core), 0);
    assert_int_equal(core.rlim_max, 0);
}

static bool gone(pid_t pid)
{
    for (int i = 0; i < 200; i++) {
        if (kill(pid, 0) < 0)
            return true;
        usleep(10000);
    }
    return false;
}

#endif
