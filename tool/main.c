/* The subcommands, and their help. */
#include "tool/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

void tool_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("ringlet: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

char *tool_text(const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        tool_error("there is no memory left");
        exit(1);
    }
    va_end(args);
    return text;
}

struct subcommand {
    const char *name;
    const char *arguments;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static int help(int argc, char **argv);

static const struct subcommand subcommands[] = {
    {"configure", "[OPTION...]", "choose the settings of the program in this folder",
     tool_configure},
    {"run", "[OPTION...]", "start the built program; settings override what was configured",
     tool_run},
    {"describe", "[IMAGE]", "what is inside of a built image", tool_describe},
    {"keys", "IMAGE [DIR]", "show the keys of a built image, or replace them", tool_keys},
    {"core", "DUMP IMAGE CORE", "make a core file for gdb of what xl dump-core wrote", tool_core},
    {"fetch", "URL[#BRANCH] DIR", "write what a git remote holds into a folder", tool_fetch},
    {"help", "", "this text", help},
};
#define COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static int help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("usage: ringlet [-C apps/NAME] COMMAND ...\n");
    for (size_t i = 0; i < COUNT; i++)
        printf("  %-10s %-18s %s\n", subcommands[i].name, subcommands[i].arguments,
               subcommands[i].summary);
    puts("\nFrom a program's folder: ringlet configure ..., make, ringlet run.\n"
         "`ringlet configure --help` lists the program's settings.");
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    prctl(PR_SET_DUMPABLE, 0); /* private keys and tokens pass through: no core dump of them */
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(name, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 2 > 0 ? argc - 2 : 0, argv + 2);
    }
    tool_error("there is no command '%s'; `ringlet help` lists them", name);
    return 2;
}
