/*
 * The fields that say where a request ends, for whom it is, and what becomes of the connection
 * (RFC 9112, 3.2, 6 and 9.3; RFC 9110, 7.2, 8.6 and 10.1.1).
 *
 * Smuggling lives from messages that two servers frame differently: whatever is said twice, or in
 * two ways, is refused.
 */
#include "lib/http/head.h"
#include "lib/http/scan.h"

#define LOWER EVERY_BYTE(0x20) /* this bit makes an ASCII letter small; '-' has it */

/* Whether a token is this word, given in lower case, at any case. The lengths are equal; from eight
 * bytes on, two words that may overlap are all of it. */
static bool is_word(struct slice token, const char *lower)
{
    const uint8_t *word = (const uint8_t *)lower;
    if (token.len >= 8 && token.len <= 16) {
        size_t last = token.len - 8;
        return (word_at(token.ptr) | LOWER) == word_at(word) &&
               (word_at(token.ptr + last) | LOWER) == word_at(word + last);
    }
    for (size_t i = 0; i < token.len; i++)
        if ((token.ptr[i] | 0x20) != word[i])
            return false;
    return true;
}

static void refuse(struct http_framing *f, uint16_t status)
{
    if (f->refused == 0)
        f->refused = status;
}

static void count(uint8_t *counter)
{
    if (*counter < UINT8_MAX)
        ++*counter;
}

static void note_length(struct http_framing *f, struct http_request *r, struct slice value)
{
    count(&f->lengths);
    if (slice_decimal(value, INT64_MAX, &r->content_length))
        return;
    bool number = value.len > 0;
    for (size_t i = 0; i < value.len; i++)
        number = number && (uint8_t)(value.ptr[i] - '0') < 10;
    refuse(f, number ? 413 : 400);
}

/* Only "chunked" and nothing else is understood; where it is not the last one, nobody can tell
 * where the body ends (RFC 9112, 6.3). */
static void note_coding(struct http_framing *f, struct http_request *r, struct slice value)
{
    count(&f->codings);
    struct slice chunked = SLICE("chunked");
    if (slice_equal_nocase(value, chunked)) {
        r->chunked = true;
        return;
    }
    bool last = value.len > chunked.len &&
                slice_equal_nocase(slice_drop(value, value.len - chunked.len), chunked);
    size_t first = slice_find(value, ',');
    bool twice = slice_equal_nocase(slice_trim(slice_take(value, first)), chunked);
    refuse(f, last && !twice && first < value.len ? 501 : 400);
}

static void note_option(struct http_framing *f, struct slice option)
{
    if (option.len == 5 && is_word(option, "close"))
        f->close = true;
    else if (option.len == 10 && is_word(option, "keep-alive"))
        f->keep_alive = true;
}

static void note_connection(struct http_framing *f, struct slice options)
{
    struct slice option, rest;
    while (slice_cut(options, ',', &option, &rest)) {
        note_option(f, slice_trim(option));
        options = rest;
    }
    note_option(f, slice_trim(options));
}

static void note_host(struct http_framing *f, struct slice value)
{
    count(&f->hosts);
    f->host = value;
    if (!http_authority_valid(value))
        refuse(f, 400);
}

static void note_expect(struct http_framing *f, struct http_request *r, struct slice value)
{
    if (slice_equal_nocase(value, SLICE("100-continue")))
        r->expect_continue = true;
    else
        f->unknown = true;
}

/* By length first: most fields are none of these. */
void http_framing_note(struct http_framing *f, struct http_request *r,
                       const struct http_field *field)
{
    switch (field->name.len) {
    case 4:
        if (is_word(field->name, "host"))
            note_host(f, field->value);
        break;
    case 6:
        if (is_word(field->name, "expect"))
            note_expect(f, r, field->value);
        break;
    case 10:
        if (is_word(field->name, "connection"))
            note_connection(f, field->value);
        break;
    case 14:
        if (is_word(field->name, "content-length"))
            note_length(f, r, field->value);
        break;
    case 17:
        if (is_word(field->name, "transfer-encoding"))
            note_coding(f, r, field->value);
        break;
    default:
        break;
    }
}

uint16_t http_framing_end(const struct http_framing *f, struct http_request *r)
{
    if (f->codings > 0 && (f->codings > 1 || f->lengths > 0 || r->minor == 0))
        return 400;
    if (f->lengths > 1 || f->hosts > 1 || (f->hosts == 0 && r->minor > 0))
        return 400;
    if (f->refused)
        return f->refused;
    if (r->minor == 0)
        r->expect_continue = false;
    else if (f->unknown)
        return 417;
    if (r->authority.len == 0)
        r->authority = f->host;
    r->keep_alive = !f->close && (r->minor > 0 || f->keep_alive);
    return HTTP_PARSE_WHOLE;
}
