/*
 * See content.h. The work is done by the git of the building machine.
 *
 * The same input gives the same bundle: one thread packs, and a plain folder's commit has fixed
 * names and the time of its newest file (or SOURCE_DATE_EPOCH).
 */
#include "tool/content.h"

#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs a program to its end; standard output goes to standard error, or nowhere with it: where we say
 * ourselves what is wrong. */
static bool run_as(const char *const arguments[], bool quiet)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (quiet)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
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

static bool run(const char *const arguments[])
{
    return run_as(arguments, false);
}

static bool exists(const char *folder, const char *name)
{
    char *path = tool_text("%s/%s", folder, name);
    bool found = access(path, F_OK) == 0;
    free(path);
    return found;
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
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    newest = 0;
    nftw(folder, note_time, 16, FTW_PHYS);
    char *date =
        epoch ? tool_text("@%s +0000", epoch) : tool_text("@%lld +0000", (long long)newest);
    static const char *const roles[] = {"AUTHOR", "COMMITTER"};
    for (size_t i = 0; i < 2; i++) {
        char *name = tool_text("GIT_%s_NAME", roles[i]);
        char *mail = tool_text("GIT_%s_EMAIL", roles[i]);
        char *when = tool_text("GIT_%s_DATE", roles[i]);
        setenv(name, "ringlet", 1);
        setenv(mail, "ringlet@localhost", 1);
        setenv(when, date, 1);
        free(name);
        free(mail);
        free(when);
    }
    free(date);
}

static bool commit_folder(const char *folder, const char *repository)
{
    set_commit_environment(folder);
    char *work_tree = tool_text("--work-tree=%s", folder);
    char *git_dir = tool_text("--git-dir=%s", repository);
    const char *const init[] = {"git", "init", "-q", "--bare", "--template=", repository, NULL};
    const char *const add[] = {
        "git", "-c", "core.autocrlf=false", git_dir, work_tree, "add", "-A", "-f", ".", NULL};
    const char *const commit[] = {"git",
                                  "-c",
                                  "commit.gpgsign=false",
                                  "-c",
                                  "core.hooksPath=/dev/null",
                                  git_dir,
                                  work_tree,
                                  "commit",
                                  "-q",
                                  "--allow-empty",
                                  "--no-verify",
                                  "-m",
                                  "Content of a folder",
                                  NULL};
    bool done = run(init) && run(add) && run(commit);
    free(work_tree);
    free(git_dir);
    return done;
}

/* git changes its folder before it writes, so the bundle's path has to be absolute. */
static bool bundle(const char *repository, const char *branch, const char *into)
{
    char *here = into[0] == '/' ? NULL : getcwd(NULL, 0);
    char *path = here ? tool_text("%s/%s", here, into) : tool_text("%s", into);
    const char *const create[] = {"git",    "-C",     repository, "-c", "pack.threads=1",
                                  "bundle", "create", "-q",       path, branch ? branch : "HEAD",
                                  NULL};
    bool done = run(create);
    free(here);
    free(path);
    return done;
}

/* A bundle, of which git makes a repository; or whatever git knows how to get at. */
static bool clone_source(const char *source, const char *into)
{
    const char *const clone[] = {"git", "clone", "-q", "--bare", source, into, NULL};
    bool url = strstr(source, "://") != NULL;
    if (!url && access(source, F_OK) != 0) {
        tool_error("%s: %s", source, strerror(errno));
        return false;
    }
    bool done = run_as(clone, !url);
    if (!done)
        tool_error("%s is no folder, no git repository and no bundle", source);
    return done;
}

/* Where the history is: `source` itself, or a repository made of it in *scratch (freed by the
 * caller, who removes that folder; NULL where there is none). */
static bool prepare(const char *source, char **scratch, const char **repository)
{
    *repository = source;
    *scratch = NULL;
    if (is_folder(source) && is_repository(source))
        return true;
    const char *base = getenv("TMPDIR");
    char *folder = tool_text("%s/ringlet-content-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        tool_error("cannot make the folder %s: %s", folder, strerror(errno));
        free(folder);
        return false;
    }
    *repository = *scratch = folder;
    if (is_folder(source))
        return commit_folder(source, folder);
    return clone_source(source, folder);
}

static bool has_commit(const char *source, const char *repository, const char *branch)
{
    char *commit = tool_text("%s^{commit}", branch ? branch : "HEAD");
    const char *const look[] = {
        "git", "-C", repository, "rev-parse", "-q", "--verify", "--end-of-options", commit, NULL};
    bool found = run_as(look, true);
    if (!found && branch)
        tool_error("%s has no branch %s", source, branch);
    else if (!found)
        tool_error(
            "%s has no commit yet on the branch that its HEAD names (another one: %s#BRANCH)",
            source, source);
    free(commit);
    return found;
}

/* Within a hook git says which repository that is of: here another one is meant (git-rev-parse(1),
 * --local-env-vars). */
static void forget_repository(void)
{
    static const char *const names[] = {
        "GIT_DIR",          "GIT_WORK_TREE",        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",   "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_NAMESPACE",    "GIT_PREFIX",           "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

bool content_bundle(const char *text, const char *into)
{
    forget_repository();
    if (!*text) {
        tool_error("--content: the name of a repository, a bundle or a folder is empty");
        return false;
    }
    char *source = tool_text("%s", text);
    char *branch = is_folder(source) ? NULL : strrchr(source, '#');
    if (branch)
        *branch++ = 0;
    char *scratch;
    const char *repository;
    bool done = prepare(source, &scratch, &repository) && has_commit(source, repository, branch) &&
                bundle(repository, branch, into);
    if (scratch)
        nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(scratch);
    free(source);
    return done;
}
