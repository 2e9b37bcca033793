-- The record: sources (documents, conversations with their messages, memories), the passages recall returns,
-- their embeddings, the outbox that feeds the index, and what the index is believed to hold.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    id           TEXT PRIMARY KEY,
    path         TEXT NOT NULL UNIQUE,
    title        TEXT NOT NULL,
    media_type   TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    size_bytes   INTEGER NOT NULL,
    author_kind  TEXT NOT NULL CHECK (author_kind IN ('user', 'model', 'document')),
    author_name  TEXT,
    created_at   TEXT NOT NULL,
    imported_at  TEXT NOT NULL,
    private      INTEGER NOT NULL CHECK (private IN (0, 1))
) STRICT;

-- What was forgotten and must not come back by itself: keyed hashes of a path and of a content, never the words.
CREATE TABLE tombstones (
    digest       TEXT PRIMARY KEY,
    forgotten_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    title      TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    private    INTEGER NOT NULL CHECK (private IN (0, 1))
) STRICT;

CREATE TABLE messages (
    id              TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id       TEXT REFERENCES messages (id) ON DELETE SET NULL,
    role            TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    text            TEXT NOT NULL,
    author_kind     TEXT NOT NULL CHECK (author_kind IN ('user', 'model', 'document')),
    author_name     TEXT,
    status          TEXT NOT NULL CHECK (status IN ('complete', 'pending', 'partial')),
    created_at      TEXT NOT NULL,
    private         INTEGER NOT NULL CHECK (private IN (0, 1)),
    input_tokens    INTEGER,
    output_tokens   INTEGER
) STRICT;
CREATE INDEX messages_of_conversation ON messages (conversation_id, created_at);
CREATE INDEX messages_of_parent ON messages (parent_id);

CREATE TABLE memories (
    id                TEXT PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('note', 'fact', 'preference', 'event', 'goal')),
    text              TEXT NOT NULL,
    author_kind       TEXT NOT NULL CHECK (author_kind IN ('user', 'model', 'document')),
    author_name       TEXT,
    pinned            INTEGER NOT NULL CHECK (pinned IN (0, 1)),
    private           INTEGER NOT NULL CHECK (private IN (0, 1)),
    recorded_at       TEXT NOT NULL,
    valid_from        TEXT,
    valid_to          TEXT,
    superseded_by     TEXT REFERENCES memories (id) ON DELETE SET NULL,
    source_message_id TEXT REFERENCES messages (id) ON DELETE SET NULL
) STRICT;
CREATE INDEX memories_superseded ON memories (superseded_by);
CREATE INDEX memories_of_message ON memories (source_message_id);
CREATE INDEX memories_pinned ON memories (pinned) WHERE pinned = 1;

-- `row` is never used again after a deletion. `context` is what stands around the text (title, headings);
-- the search_ columns hold the searchable form where it differs from the text itself (Chinese, Japanese, Korean).
CREATE TABLE passages (
    row            INTEGER PRIMARY KEY AUTOINCREMENT,
    id             TEXT NOT NULL UNIQUE,
    document_id    TEXT REFERENCES documents (id) ON DELETE CASCADE,
    message_id     TEXT REFERENCES messages (id) ON DELETE CASCADE,
    memory_id      TEXT REFERENCES memories (id) ON DELETE CASCADE,
    ordinal        INTEGER NOT NULL,
    text           TEXT NOT NULL,
    context        TEXT NOT NULL,
    search_text    TEXT,
    search_context TEXT,
    locator        TEXT NOT NULL,
    author_kind    TEXT NOT NULL CHECK (author_kind IN ('user', 'model', 'document')),
    author_name    TEXT,
    created_at     TEXT NOT NULL,
    private        INTEGER NOT NULL CHECK (private IN (0, 1)),
    CHECK ((document_id IS NOT NULL) + (message_id IS NOT NULL) + (memory_id IS NOT NULL) = 1)
) STRICT;
CREATE INDEX passages_of_document ON passages (document_id, ordinal) WHERE document_id IS NOT NULL;
CREATE INDEX passages_of_message ON passages (message_id, ordinal) WHERE message_id IS NOT NULL;
CREATE INDEX passages_of_memory ON passages (memory_id) WHERE memory_id IS NOT NULL;

CREATE VIEW searchable_passages AS
SELECT row, coalesce(search_context, context) AS context, coalesce(search_text, text) AS text FROM passages;

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    context, text,
    content = 'searchable_passages', content_rowid = 'row',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
-- Words of the passage itself count for more than those of its title and headings.
INSERT INTO passages_fts (passages_fts, rank) VALUES ('rank', 'bm25(0.6, 1.0)');

CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, context, text)
    VALUES (new.row, coalesce(new.search_context, new.context), coalesce(new.search_text, new.text));
END;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, context, text)
    VALUES ('delete', old.row, coalesce(old.search_context, old.context), coalesce(old.search_text, old.text));
END;
CREATE TRIGGER passages_updated AFTER UPDATE OF text, context, search_text, search_context ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, context, text)
    VALUES ('delete', old.row, coalesce(old.search_context, old.context), coalesce(old.search_text, old.text));
    INSERT INTO passages_fts (rowid, context, text)
    VALUES (new.row, coalesce(new.search_context, new.context), coalesce(new.search_text, new.text));
END;

-- The numbered sources of an answer. The passage may be erased later; the number stays.
CREATE TABLE citations (
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    passage_id TEXT REFERENCES passages (id) ON DELETE SET NULL,
    cited      INTEGER NOT NULL CHECK (cited IN (0, 1)),
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX citations_of_passage ON citations (passage_id);

CREATE TABLE embedders (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    version    TEXT NOT NULL,
    dimension  INTEGER NOT NULL,
    normalized INTEGER NOT NULL CHECK (normalized IN (0, 1)),
    UNIQUE (name, version, dimension, normalized)
) STRICT;

CREATE TABLE index_segments (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    generation  INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('ready', 'stale')),
    applied_seq INTEGER NOT NULL
) STRICT;

-- `seq` grows with every embedding ever stored; `vector` is float32, little-endian.
CREATE TABLE embeddings (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    passage_row INTEGER NOT NULL UNIQUE REFERENCES passages (row) ON DELETE CASCADE,
    embedder_id INTEGER NOT NULL REFERENCES embedders (id),
    segment_id  INTEGER REFERENCES index_segments (id) ON DELETE SET NULL,
    vector      BLOB NOT NULL
) STRICT;
CREATE INDEX embeddings_of_segment ON embeddings (segment_id);

-- Work still to be done for a passage: `embed` it, then `index` its vector. Written with the row that needs it.
CREATE TABLE outbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    operation   TEXT NOT NULL CHECK (operation IN ('embed', 'index')),
    passage_row INTEGER NOT NULL REFERENCES passages (row) ON DELETE CASCADE,
    UNIQUE (operation, passage_row)
) STRICT;
CREATE INDEX outbox_of_passage ON outbox (passage_row);
CREATE TRIGGER passages_queued AFTER INSERT ON passages BEGIN
    INSERT INTO outbox (operation, passage_row) VALUES ('embed', new.row);
END;

CREATE TABLE erasures (
    id           TEXT PRIMARY KEY,
    requested_at TEXT NOT NULL,
    completed_at TEXT,
    counts       TEXT NOT NULL
) STRICT;
