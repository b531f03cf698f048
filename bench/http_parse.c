/* How long a request's head takes to read: nanoseconds and gigabytes a second, per kind of client. */
#include <stdio.h>
#include <time.h>

#include "lib/http/server.h"

#define ROUNDS 20000u
#define TRIES  100 /* the best of them counts: others use the machine too */

static const char curl[] = "GET /Posts/OperatingSystem HTTP/1.1\r\n"
                           "Host: hannes.example.org:8080\r\n"
                           "User-Agent: curl/7.88.1\r\n"
                           "Accept: */*\r\n\r\n";

static const char load[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

static const char client[] = "GET /static/css/site.css HTTP/1.1\r\n"
                             "Host: www.example.org\r\n"
                             "User-Agent: Wget/1.21.3 (linux-gnu)\r\n"
                             "Accept: text/html,application/xhtml+xml\r\n"
                             "Accept-Encoding: gzip, deflate\r\n"
                             "Accept-Language: en-GB,en;q=0.8\r\n"
                             "Referer: https://www.example.org/Posts/OperatingSystem\r\n"
                             "Connection: keep-alive\r\n\r\n";

static const char browser[] =
    "GET /Posts/OperatingSystem?from=feed HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: "
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Referer: https://www.example.org/Posts\r\n"
    "Connection: keep-alive\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "If-None-Match: \"3f80f1b2c4d5e6a7\"\r\n"
    "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds for ROUNDS heads; whole becomes false when one is not understood. */
static double once(struct slice head, bool *whole)
{
    static struct http_request request;
    struct http_server core;
    http_server_init(&core);
    double began = seconds();
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct slice in = head, body;
        if (http_server_feed(&core, &in, &request, &body) != HTTP_EVENT_COMPLETE)
            *whole = false;
    }
    double took = seconds() - began;
    http_server_deinit(&core);
    return took;
}

static void measure(const char *name, struct slice head)
{
    bool whole = true;
    double best = once(head, &whole);
    for (int i = 1; i < TRIES; i++) {
        double took = once(head, &whole);
        if (took < best)
            best = took;
    }
    printf("http_parse %-8s %4zu bytes  %6.1f ns  %5.2f GB/s%s\n", name, head.len,
           best / ROUNDS * 1e9, (double)head.len * ROUNDS / best / 1e9, whole ? "" : "  (REFUSED)");
}

int main(void)
{
    measure("load", slice_text(load));
    measure("curl", slice_text(curl));
    measure("client", slice_text(client));
    measure("browser", slice_text(browser));
    return 0;
}
