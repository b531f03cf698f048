/*
 * See content.h. The work is done by the git of the building machine.
 *
 * The same input gives the same bundle: one thread packs, and a plain folder's commit has fixed
 * names and the time of its newest file (or SOURCE_DATE_EPOCH).
 */
#include "tool/content.h"

#include "tool/tool.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs a program to its end; standard output goes to standard error. */
static bool run(const char *const arguments[])
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    pid_t child;
    int error = posix_spawnp(&child, arguments[0], &actions, NULL,
                             (char *const *)(uintptr_t)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error) {
        tool_error("cannot start %s: %s", arguments[0], strerror(error));
        return false;
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool exists(const char *folder, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_repository(const char *folder)
{
    return exists(folder, ".git") || (exists(folder, "HEAD") && exists(folder, "objects"));
}

static time_t newest;

static int note_time(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    if (type == FTW_F && st->st_mtime > newest)
        newest = st->st_mtime;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* The identity and time of a plain folder's one commit. */
static void set_commit_environment(const char *folder)
{
    char date[48];
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    newest = 0;
    nftw(folder, note_time, 16, FTW_PHYS);
    if (epoch)
        snprintf(date, sizeof(date), "%s +0000", epoch);
    else
        snprintf(date, sizeof(date), "%lld +0000", (long long)newest);
    setenv("GIT_AUTHOR_NAME", "ringlet", 1);
    setenv("GIT_AUTHOR_EMAIL", "ringlet@localhost", 1);
    setenv("GIT_AUTHOR_DATE", date, 1);
    setenv("GIT_COMMITTER_NAME", "ringlet", 1);
    setenv("GIT_COMMITTER_EMAIL", "ringlet@localhost", 1);
    setenv("GIT_COMMITTER_DATE", date, 1);
}

static bool commit_folder(const char *folder, const char *repository)
{
    set_commit_environment(folder);
    char work_tree[PATH_MAX + 16], git_dir[PATH_MAX + 16];
    snprintf(work_tree, sizeof(work_tree), "--work-tree=%s", folder);
    snprintf(git_dir, sizeof(git_dir), "--git-dir=%s", repository);
    return run((const char *const[]){"git", "init", "-q", "--bare", repository, NULL}) &&
           run((const char *const[]){"git", "-c", "core.autocrlf=false", git_dir, work_tree, "add",
                                     "-A", "-f", ".", NULL}) &&
           run((const char *const[]){"git", "-c", "commit.gpgsign=false", git_dir, work_tree,
                                     "commit", "-q", "--allow-empty", "--no-verify", "-m",
                                     "Content of a folder", NULL});
}

static bool bundle(const char *repository, const char *branch, const char *into)
{
    char absolute[PATH_MAX];
    if (into[0] == '/')
        snprintf(absolute, sizeof(absolute), "%s", into);
    else if (getcwd(absolute, sizeof(absolute)))
        snprintf(absolute + strlen(absolute), sizeof(absolute) - strlen(absolute), "/%s", into);
    return run((const char *const[]){"git", "-C", repository, "-c", "pack.threads=1", "bundle",
                                     "create", "-q", absolute, branch ? branch : "HEAD", NULL});
}

/* Where the history is: `source` itself, or a repository made of it below `scratch`. */
static bool prepare(const char *source, char scratch[PATH_MAX], const char **repository)
{
    *repository = source;
    if (is_folder(source) && is_repository(source))
        return true;
    const char *base = getenv("TMPDIR");
    snprintf(scratch, PATH_MAX, "%s/ringlet-content-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(scratch)) {
        tool_error("cannot make a folder below %s: %s", base ? base : "/tmp", strerror(errno));
        scratch[0] = 0;
        return false;
    }
    *repository = scratch;
    if (is_folder(source))
        return commit_folder(source, scratch);
    return run((const char *const[]){"git", "clone", "-q", "--bare", source, scratch, NULL});
}

bool content_bundle(const char *text, const char *into)
{
    char source[PATH_MAX], scratch[PATH_MAX] = "";
    snprintf(source, sizeof(source), "%s", text);
    char *branch = is_folder(source) ? NULL : strrchr(source, '#');
    if (branch)
        *branch++ = 0;
    const char *repository;
    bool done = prepare(source, scratch, &repository) && bundle(repository, branch, into);
    if (scratch[0])
        nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (!done)
        tool_error("%s is neither a folder nor a git repository that can be read", text);
    return done;
}
