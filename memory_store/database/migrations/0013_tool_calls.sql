-- What a model asked of tools for an answer, in order; what a tool gave back is not kept, as it may quote what is erased.
CREATE TABLE tool_calls (
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    tool       TEXT NOT NULL,
    arguments  TEXT NOT NULL,
    failed     INTEGER NOT NULL CHECK (failed IN (0, 1)),
    PRIMARY KEY (message_id, number)
) STRICT;
