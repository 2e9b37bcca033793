-- Tombstones that came in the archives of other stores, each with the key that it was made with.
CREATE TABLE foreign_tombstones (
    key          TEXT NOT NULL,
    digest       TEXT NOT NULL,
    forgotten_at TEXT NOT NULL,
    PRIMARY KEY (key, digest)
) STRICT, WITHOUT ROWID;

-- The words of a search that went to an embedder elsewhere are a request too; it names no items.
CREATE TABLE requests_with_queries (
    id       TEXT PRIMARY KEY,
    sent_at  TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model    TEXT NOT NULL,
    purpose  TEXT NOT NULL CHECK (purpose IN ('chat', 'embedding', 'query'))
) STRICT;
CREATE TABLE items_with_queries (
    request_id TEXT NOT NULL REFERENCES requests_with_queries (id) ON DELETE CASCADE,
    item_id    TEXT NOT NULL,
    PRIMARY KEY (request_id, item_id)
) STRICT, WITHOUT ROWID;
INSERT INTO requests_with_queries SELECT id, sent_at, endpoint, model, purpose FROM requests;
INSERT INTO items_with_queries SELECT request_id, item_id FROM request_items;
DROP TABLE request_items;
DROP TABLE requests;
ALTER TABLE requests_with_queries RENAME TO requests;
ALTER TABLE items_with_queries RENAME TO request_items;
CREATE INDEX request_items_of_item ON request_items (item_id);

-- What is being written and not sent yet, one text a conversation; without one it belongs to a chat that has not begun.
CREATE TABLE drafts (
    conversation_id TEXT UNIQUE REFERENCES conversations (id) ON DELETE CASCADE,
    text            TEXT NOT NULL
) STRICT;
