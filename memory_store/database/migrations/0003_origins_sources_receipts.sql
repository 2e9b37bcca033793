-- Where imported things came from, which path a conversation shows, what a memory rests on, receipts, sent requests.

-- `origin` is the name that another assistant's export gives a thing, such as `chatgpt:6f3c…`: known again by it.
ALTER TABLE conversations ADD COLUMN origin TEXT;
ALTER TABLE conversations ADD COLUMN current_message_id TEXT REFERENCES messages (id) ON DELETE SET NULL;
-- The message whose beginning is the title, until the title is changed by hand: erased, it takes the title with it.
ALTER TABLE conversations ADD COLUMN title_message_id TEXT REFERENCES messages (id) ON DELETE SET NULL;
ALTER TABLE messages ADD COLUMN origin TEXT;
ALTER TABLE memories ADD COLUMN origin TEXT;
CREATE UNIQUE INDEX conversations_of_origin ON conversations (origin) WHERE origin IS NOT NULL;
CREATE UNIQUE INDEX messages_of_origin ON messages (conversation_id, origin) WHERE origin IS NOT NULL;
CREATE UNIQUE INDEX memories_of_origin ON memories (origin) WHERE origin IS NOT NULL;
CREATE INDEX conversations_of_current ON conversations (current_message_id) WHERE current_message_id IS NOT NULL;
CREATE INDEX conversations_of_title ON conversations (title_message_id) WHERE title_message_id IS NOT NULL;
UPDATE conversations SET title_message_id = (
    SELECT m.id FROM messages AS m WHERE m.conversation_id = conversations.id AND m.parent_id IS NULL
    AND m.role = 'user' AND substr(ltrim(m.text), 1, 12) = substr(conversations.title, 1, 12) LIMIT 1
);

-- What a memory was made from; erased with its last source.
CREATE TABLE memory_sources (
    memory_id   TEXT NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    message_id  TEXT REFERENCES messages (id) ON DELETE CASCADE,
    document_id TEXT REFERENCES documents (id) ON DELETE CASCADE,
    CHECK ((message_id IS NULL) + (document_id IS NULL) = 1)
) STRICT;
CREATE UNIQUE INDEX memory_sources_of_memory ON memory_sources (memory_id, message_id, document_id);
CREATE INDEX memory_sources_of_message ON memory_sources (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX memory_sources_of_document ON memory_sources (document_id) WHERE document_id IS NOT NULL;
INSERT INTO memory_sources (memory_id, message_id)
SELECT id, source_message_id FROM memories WHERE source_message_id IS NOT NULL;
DROP INDEX memories_of_message;
ALTER TABLE memories DROP COLUMN source_message_id;

-- A tombstone knows the erasure that set it; lifted, it stops nothing any more but still says what was erased.
ALTER TABLE tombstones ADD COLUMN erasure_id TEXT;
ALTER TABLE tombstones ADD COLUMN lifted INTEGER NOT NULL DEFAULT 0 CHECK (lifted IN (0, 1));
-- `deferred` erasures wait for the next maintenance. `needles` are keyed hashes of what the scan must not find any more,
-- kept until it did not; `notes` is JSON for the receipt, which is JSON too. None holds a word of what was erased.
ALTER TABLE erasures ADD COLUMN deferred INTEGER NOT NULL DEFAULT 0 CHECK (deferred IN (0, 1));
ALTER TABLE erasures ADD COLUMN needles BLOB;
ALTER TABLE erasures ADD COLUMN notes TEXT;
ALTER TABLE erasures ADD COLUMN receipt TEXT;

-- What went to an endpoint that is not on this machine, and when. Items are ids of messages, memories and passages.
CREATE TABLE requests (
    id       TEXT PRIMARY KEY,
    sent_at  TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    model    TEXT NOT NULL,
    purpose  TEXT NOT NULL CHECK (purpose IN ('chat', 'embedding'))
) STRICT;
CREATE TABLE request_items (
    request_id TEXT NOT NULL REFERENCES requests (id) ON DELETE CASCADE,
    item_id    TEXT NOT NULL,
    PRIMARY KEY (request_id, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_items_of_item ON request_items (item_id);
