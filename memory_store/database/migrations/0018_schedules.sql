-- What is to be said, or done, at times that come. A schedule is asked for by a message of the user and goes with it; what it
-- says becomes messages of the same conversation. `begins` is what the clock of a zone shows, so that eight o'clock stays eight
-- o'clock; `rule` is an RRULE (RFC 5545), none for once. `untold` counts the times, from `first_untold_at` on, that nobody was told of.
CREATE TABLE schedules (
    id              TEXT PRIMARY KEY,
    message_id      TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    text            TEXT NOT NULL,
    begins          TEXT NOT NULL,
    zone            TEXT NOT NULL,
    rule            TEXT,
    task_id         TEXT REFERENCES tasks (id) ON DELETE SET NULL,
    state           TEXT NOT NULL CHECK (state IN ('active', 'paused', 'over')),
    made_at         TEXT NOT NULL,
    next_at         TEXT,
    last_at         TEXT,
    untold          INTEGER NOT NULL DEFAULT 0,
    first_untold_at TEXT
) STRICT;
CREATE INDEX schedules_of_message ON schedules (message_id);
CREATE INDEX schedules_by_next ON schedules (next_at);
