-- The tools that the user lets models use without being asked each time, by a hash of all that is told of them.
CREATE TABLE approvals (
    fingerprint TEXT PRIMARY KEY,
    tool        TEXT NOT NULL,
    origin      TEXT NOT NULL,
    allowed_at  TEXT NOT NULL
) STRICT;

-- A use of a tool is entered before it is begun: of what a crash cut it is not known whether it was done.
CREATE TABLE new_tool_calls (
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    tool       TEXT NOT NULL,
    arguments  TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('begun', 'done', 'failed')),
    PRIMARY KEY (message_id, number)
) STRICT;
INSERT INTO new_tool_calls
SELECT message_id, number, tool, arguments, CASE failed WHEN 1 THEN 'failed' ELSE 'done' END FROM tool_calls;
DROP TABLE tool_calls;
ALTER TABLE new_tool_calls RENAME TO tool_calls;
