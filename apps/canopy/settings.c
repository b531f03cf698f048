/* The declarations behind --help, `ringlet configure` and the start: see runtime/settings.h. */
#include "apps/canopy/settings.h"

#include "lib/git/fetch.h"
#include "lib/git/url.h"
#include "lib/text/utf8.h"
#include "runtime/settings_network.h"
#include "signatures/program.h"

struct canopy_settings canopy_settings;

static const char *check_remote(struct slice text)
{
    return text.len == 0 ? NULL : git_url_check(text);
}

/* As .config/blog_name and .config/index_page, which these override. */
static const char *check_words(struct slice text)
{
    if (utf8_has_control(text))
        return "one line of text";
    return utf8_valid(text) ? NULL : "text in UTF-8";
}

static const char *check_hook(struct slice text)
{
    if (text.len > 1 && text.ptr[0] == '/' && slice_find(text, '?') == text.len &&
        slice_find(text, ' ') == text.len)
        return NULL;
    return "a path such as /push";
}

bool canopy_pins(struct slice text, struct tls_pin pins[TLS_PINS_MAX], size_t *count)
{
    struct slice one;
    *count = 0;
    while (text.len > 0) {
        slice_cut(text, ',', &one, &text);
        if (*count == TLS_PINS_MAX || !tls_pin_parse(slice_trim(one), &pins[*count]))
            return false;
        ++*count;
    }
    return true;
}

static const char *check_authenticator(struct slice text)
{
    struct tls_pin pins[TLS_PINS_MAX];
    size_t count;
    return canopy_pins(text, pins, &count)
               ? NULL
               : "sha256: with the 64 hexadecimal digits of a certificate's or key's digest";
}

static const struct setting site_settings[] = {
    {.name = "remote",
     .letter = 'r',
     .value = "URL[#BRANCH]",
     .help = "The git repository that holds the content: https://HOST/PATH, http://HOST/PATH or "
             "git://HOST/PATH. Without a branch, the one that the remote's HEAD names",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_remote,
     .into = &canopy_settings.remote},
    {.name = "remote-user",
     .value = "NAME",
     .help = "Who asks a remote at https://, with --remote-token as the password (Basic)",
     .preset = "",
     .type = SETTING_TEXT,
     .into = &canopy_settings.remote_user},
    {.name = "remote-token",
     .secret = true,
     .value = "TEXT",
     .help = "The token (Bearer), or the password of --remote-user, that a remote at https:// "
             "wants to see",
     .preset = "",
     .type = SETTING_TEXT,
     .into = &canopy_settings.remote_token},
    {.name = "authenticator",
     .value = "sha256:HEX,...",
     .help = "Trust a remote at https:// only if the SHA-256 digest of its certificate, or of its "
             "public key, is one of these; instead of asking certificate authorities",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_authenticator,
     .into = &canopy_settings.authenticator},
    {.name = "index",
     .letter = 'i',
     .value = "PATH",
     .help = "The page, article or folder that answers at /. Overrides .config/index_page in the "
             "repository",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_words,
     .into = &canopy_settings.index},
    {.name = "name",
     .letter = 'n',
     .value = "TEXT",
     .help = "The name of the site. Overrides .config/blog_name in the repository",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_words,
     .into = &canopy_settings.name},
    {.name = "no-html",
     .help = "Show HTML in an article's body as text instead of passing it on",
     .preset = "false",
     .type = SETTING_BOOL,
     .into = &canopy_settings.no_html},
};

static const struct setting serving_settings[] = {
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Where HTTP is served; with --tls, where readers are sent on to HTTPS",
     .preset = "8080",
     .type = SETTING_PORT,
     .into = &canopy_settings.port},
    {.name = "tls",
     .value = "[PORT]",
     .help = "Serve HTTPS there (8443 where no port is named), with the keys that the image holds",
     .preset = "",
     .bare = "8443",
     .type = SETTING_PORT,
     .into = &canopy_settings.tls},
};

static const struct setting update_settings[] = {
    {.name = "hook",
     .value = "PATH",
     .help = "A POST to this path fetches the remote at once",
     .preset = "/push",
     .type = SETTING_TEXT,
     .check = check_hook,
     .into = &canopy_settings.hook},
    {.name = "hook-secret",
     .secret = true,
     .value = "TEXT",
     .help = "Require that a POST to the hook proves to know this secret: by the HMAC-SHA-256 "
             "signature that GitHub and Gitea send, or by GitLab's token",
     .preset = "",
     .type = SETTING_TEXT,
     .into = &canopy_settings.hook_secret},
    {.name = "poll",
     .value = "SECONDS",
     .help = "Ask the remote for news every so often; 0 asks only when the hook is called",
     .preset = "0",
     .type = SETTING_SECONDS,
     .into = &canopy_settings.poll},
};

static enum err check_token(struct buf *error)
{
    struct git_url url;
    const char *why;
    if (!canopy_settings.remote_token.len ||
        git_url_parse(canopy_settings.remote, &url, &why) != OK || url.scheme == GIT_SCHEME_HTTPS)
        return OK;
    buf_text(error, "--remote-token: a token is sent to https:// only, where nobody else can read "
                    "it; --remote is of another kind");
    return ERR_ARGUMENT;
}

static enum err check_ports(struct buf *error)
{
    if (canopy_settings.port != canopy_settings.tls)
        return OK;
    buf_printf(error, "--tls: %u is the port of plain HTTP, which needs another one (--port)",
               canopy_settings.tls);
    return ERR_ARGUMENT;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct setting_group site_group = {.title = "Site",
                                                .settings = site_settings,
                                                .count = COUNT(site_settings),
                                                .check = check_token};
static const struct setting_group serving_group = {.title = "Serving",
                                                   .settings = serving_settings,
                                                   .count = COUNT(serving_settings),
                                                   .check = check_ports};
static const struct setting_group update_group = {
    .title = "Updates", .settings = update_settings, .count = COUNT(update_settings)};

const struct setting_group *const program_settings[] = {
    &site_group, &serving_group, &update_group, &settings_network_group, &settings_logs_group, NULL,
};
