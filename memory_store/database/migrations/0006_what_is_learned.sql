-- What is learned of the user: what a memory is about and which words it rests on, when it ceased to be believed, the
-- why and the horizon of a goal with its reviews, questions that only the user can answer, summaries of conversations,
-- and the messages from which nothing was captured yet.

-- `about` names what there is one of at a time, such as `home`: a newer memory takes the place of the older one.
ALTER TABLE memories ADD COLUMN about TEXT;
-- When we learned that it is true no more; `valid_to` is when it ceased to be true.
ALTER TABLE memories ADD COLUMN retired_at TEXT;
ALTER TABLE memories ADD COLUMN why TEXT;
ALTER TABLE memories ADD COLUMN horizon TEXT;
UPDATE memories SET retired_at = (SELECT newer.recorded_at FROM memories AS newer WHERE newer.id = memories.superseded_by)
WHERE superseded_by IS NOT NULL;
-- The words of a source that say so.
ALTER TABLE memory_sources ADD COLUMN quote TEXT;

CREATE TABLE goal_reviews (
    memory_id   TEXT NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    reviewed_at TEXT NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (memory_id, reviewed_at)
) STRICT;

-- `contradiction`: of two memories that can't both be true the user says which is; `other_id` is the earlier one.
-- `sensitive`: a memory of health or mood is no line of the profile before the user says yes.
CREATE TABLE questions (
    memory_id   TEXT NOT NULL REFERENCES memories (id) ON DELETE CASCADE,
    kind        TEXT NOT NULL CHECK (kind IN ('contradiction', 'sensitive')),
    other_id    TEXT REFERENCES memories (id) ON DELETE CASCADE,
    asked_at    TEXT NOT NULL,
    answered_at TEXT,
    PRIMARY KEY (memory_id, kind)
) STRICT;
CREATE INDEX questions_of_other ON questions (other_id) WHERE other_id IS NOT NULL;

-- One a conversation, of its path up to a message. It goes when any message of the conversation is erased.
CREATE TABLE summaries (
    conversation_id TEXT PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    message_id      TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    text            TEXT NOT NULL,
    author_kind     TEXT NOT NULL CHECK (author_kind IN ('user', 'model', 'document')),
    author_name     TEXT,
    private         INTEGER NOT NULL CHECK (private IN (0, 1)),
    made_at         TEXT NOT NULL
) STRICT;
CREATE INDEX summaries_of_message ON summaries (message_id);

-- Written with the message, taken away when a model has captured from it: each message once, whatever happens between.
CREATE TABLE capture_queue (
    message_id TEXT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    attempts   INTEGER NOT NULL CHECK (attempts >= 0),
    not_before TEXT NOT NULL
) STRICT;
