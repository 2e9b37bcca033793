-- Recipes: how something is to be done again, as folders of the format Agent Skills. `skill` is the text of SKILL.md,
-- `files` a JSON object of its other texts by their paths, `left_out` what of it was not kept. One that is made from a
-- conversation goes with it. `agreed` is a hash of what the user let be used as it is; no archive has it.
CREATE TABLE recipes (
    id              TEXT PRIMARY KEY,
    conversation_id TEXT REFERENCES conversations (id) ON DELETE CASCADE,
    name            TEXT NOT NULL UNIQUE,
    skill           TEXT NOT NULL,
    files           TEXT NOT NULL,
    left_out        TEXT,
    private         INTEGER NOT NULL CHECK (private IN (0, 1)),
    made_at         TEXT NOT NULL,
    agreed          TEXT
) STRICT;
CREATE INDEX recipes_of_conversation ON recipes (conversation_id);
