-- Long tasks: what is to be done for each of many items, step by step. A task is asked for by a message of the user and
-- goes with it. A plan is TOML, as the user reads and edits it; `not_before` is when it may go on, `only_first` how many items may be worked on.
CREATE TABLE tasks (
    id         TEXT PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    plan       TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('draft', 'running', 'paused', 'done', 'cancelled')),
    made_at    TEXT NOT NULL,
    ended_at   TEXT,
    not_before TEXT,
    trouble    TEXT,
    only_first INTEGER
) STRICT;
CREATE INDEX tasks_of_message ON tasks (message_id);

-- `key` tells the items of a task apart; `result` is JSON.
CREATE TABLE task_items (
    id         TEXT PRIMARY KEY,
    task_id    TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    key        TEXT NOT NULL,
    details    TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'asking', 'done', 'failed', 'left_out')),
    result     TEXT,
    trouble    TEXT,
    UNIQUE (task_id, key)
) STRICT;
CREATE INDEX task_items_of_message ON task_items (message_id);

-- What was done for an item. A step is entered before it is begun: one that is begun and not ended may have been done.
CREATE TABLE task_steps (
    item_id    TEXT NOT NULL REFERENCES task_items (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    number     INTEGER NOT NULL,
    request    TEXT NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('asked', 'allowed', 'begun', 'uncertain', 'done', 'failed', 'refused')),
    result     TEXT,
    begun_at   TEXT,
    ended_at   TEXT,
    PRIMARY KEY (item_id, number)
) STRICT;
CREATE INDEX task_steps_of_message ON task_steps (message_id);

-- Steps that the user lets be done for all items alike, by a hash of the tool and of what it is given.
CREATE TABLE task_approvals (
    task_id     TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    allowed_at  TEXT NOT NULL,
    PRIMARY KEY (task_id, fingerprint)
) STRICT;
