/* See shell.h. */
#include "tests/support/shell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static pid_t folder_owner;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void remove_folder(void)
{
    char command[128];
    if (getpid() != folder_owner)
        return;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        perror(command);
}

const char *scratch(void)
{
    if (folder[0])
        return folder;
    strcpy(folder, "/tmp/ringlet-test-XXXXXX");
    if (!mkdtemp(folder))
        die("mkdtemp");
    folder_owner = getpid();
    atexit(remove_folder);
    setenv("HOME", folder, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("GIT_AUTHOR_NAME", "A. Uthor", 1);
    setenv("GIT_AUTHOR_EMAIL", "author@example.org", 1);
    setenv("GIT_COMMITTER_NAME", "A. Uthor", 1);
    setenv("GIT_COMMITTER_EMAIL", "author@example.org", 1);
    setenv("GIT_AUTHOR_DATE", "1700000000 +0000", 1);
    setenv("GIT_COMMITTER_DATE", "1700000000 +0000", 1);
    return folder;
}

void shell(const char *format, ...)
{
    char command[4096];
    int used = snprintf(command, sizeof(command), "cd %s && ", scratch());
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
    va_end(args);
    if (system(command) == 0)
        return;
    fprintf(stderr, "failed: %s\n", command);
    exit(1);
}

const char *shell_output(const char *format, ...)
{
    static char output[4096];
    char command[4096];
    int used = snprintf(command, sizeof(command), "cd %s && ", scratch());
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
    va_end(args);
    FILE *f = popen(command, "r");
    if (!f)
        die(command);
    output[fread(output, 1, sizeof(output) - 1, f)] = '\0';
    output[strcspn(output, "\n")] = '\0';
    if (pclose(f) != 0)
        die(command);
    return output;
}

static void run_child(const char *command, int in, int out)
{
    char words[1024];
    char *argv[32];
    int count = 0;
    snprintf(words, sizeof(words), "%s", command);
    for (char *word = strtok(words, " "); word && count < 31; word = strtok(NULL, " "))
        argv[count++] = word;
    argv[count] = NULL;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* whatever becomes of the test */
    if (chdir(folder) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0)
        _exit(126);
    execvp(argv[0], argv);
    _exit(127);
}

struct child child_start(const char *command)
{
    int to[2], from[2];
    scratch();
    signal(SIGPIPE, SIG_IGN);
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        run_child(command, to[0], from[1]);
    close(to[0]);
    close(from[1]);
    return (struct child){pid, to[1], from[0]};
}

void child_shut(struct child *c)
{
    if (c->in >= 0)
        close(c->in);
    c->in = -1;
}

void child_stop(struct child *c)
{
    child_shut(c);
    close(c->out);
    kill(c->pid, SIGTERM);
    waitpid(c->pid, NULL, 0);
}
