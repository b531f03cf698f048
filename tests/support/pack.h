/*
 * Packs for tests: out of stock git, and made by hand, with whatever is wrong that a test wants.
 */
#ifndef TESTS_SUPPORT_PACK_H
#define TESTS_SUPPORT_PACK_H

#include "lib/git/oid.h"
#include "lib/store/store.h"
#include "runtime/buf.h"

/* A file of the scratch folder, in memory of malloc's; ends the test's program if it fails. */
struct slice file_read(const char *name);
void file_free(struct slice bytes);

/* Makes a bare repository NAME.git in the scratch folder with some history: folders, edits, a
 * rename, a file of 3 MB, an empty one, a merge, a signed-looking tag. format: "sha1", "sha256". */
void repo_make(const char *name, const char *format);

/* Writes FILE with a pack of what the lines in `revs` name ("main\n^main~5\n"). */
void repo_pack(const char *name, const char *file, const char *revs, const char *options);

/* A commit of a repository. */
struct oid repo_commit(const char *name, enum oid_kind kind, const char *rev);

/* Feeds a pack in pieces of random sizes up to `most` (0: all at once) and ends it. error may be
 * NULL. */
enum err pack_feed(struct store *s, struct slice pack, size_t most, struct buf *error);

/* A pack made by hand: header, entries, trailer. Bytes are only stored, not compressed. */
void pack_start(struct buf *b, uint32_t objects);
void pack_object(struct buf *b, unsigned type, struct slice content);
/* The announced size may be a lie. */
void pack_entry(struct buf *b, unsigned type, uint64_t size, struct slice content);
void pack_ofs_delta(struct buf *b, uint64_t back, struct slice delta);
void pack_ref_delta(struct buf *b, enum oid_kind kind, const struct oid *base, struct slice delta);
void pack_finish(struct buf *b, enum oid_kind kind);

/* A zlib stream of stored blocks. */
void zlib_stored(struct buf *b, struct slice content);

/* A delta: its sizes, then instructions. */
void delta_start(struct buf *b, uint64_t base, uint64_t result);
void delta_copy(struct buf *b, uint32_t offset, uint32_t size);
void delta_insert(struct buf *b, struct slice bytes);

#endif
