-- Questions that were handed to a batch API, which answers within a day. No text of theirs is here: the answer that is
-- waited for is a pending message, with its sources. Where that was erased, `message_id` is NULL, and the batch is to be
-- taken back. `recalled` is how many of its sources were recalled or attached; those above are known of the user anyway.
-- `batch` is what the service calls it. `told` is 0 while there is something to tell; `trouble` went wrong last.
CREATE TABLE late_requests (
    id          TEXT PRIMARY KEY,
    message_id  TEXT REFERENCES messages (id) ON DELETE SET NULL,
    ledger_id   TEXT NOT NULL,
    endpoint    TEXT NOT NULL,
    shape       TEXT NOT NULL,
    model       TEXT NOT NULL,
    recalled    INTEGER NOT NULL,
    state       TEXT NOT NULL
        CHECK (state IN ('intended', 'submitted', 'uncertain', 'answered', 'failed', 'expired', 'cancelled')),
    intended_at TEXT NOT NULL,
    looked_at   TEXT,
    batch       TEXT,
    trouble     TEXT,
    told        INTEGER NOT NULL CHECK (told IN (0, 1))
) STRICT;
CREATE INDEX late_requests_of_message ON late_requests (message_id);
CREATE INDEX late_requests_of_ledger ON late_requests (ledger_id);
