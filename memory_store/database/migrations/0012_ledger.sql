-- What each request to a model took, and what it was for; no text. While a request is under way its amounts are what
-- is reserved for it: the most that it may take. Cost is in millionths of a US dollar, energy in thousandths of a
-- watt-hour; NULL is not known.
CREATE TABLE ledger (
    id              TEXT PRIMARY KEY,
    made_at         TEXT NOT NULL,
    role            TEXT NOT NULL,
    purpose         TEXT NOT NULL,
    model           TEXT NOT NULL,
    endpoint        TEXT,
    conversation_id TEXT REFERENCES conversations (id) ON DELETE SET NULL,
    message_id      TEXT REFERENCES messages (id) ON DELETE SET NULL,
    state           TEXT NOT NULL CHECK (state IN ('reserved', 'settled', 'released')),
    input_tokens    INTEGER NOT NULL,
    cached_tokens   INTEGER,
    output_tokens   INTEGER NOT NULL,
    counted         INTEGER NOT NULL CHECK (counted IN (0, 1)),
    cost            INTEGER,
    energy_low      INTEGER,
    energy_high     INTEGER,
    energy_method   TEXT
) STRICT;
CREATE INDEX ledger_of_time ON ledger (made_at);
CREATE INDEX ledger_of_conversation ON ledger (conversation_id);
CREATE INDEX ledger_of_message ON ledger (message_id);
CREATE INDEX ledger_reserved ON ledger (made_at) WHERE state = 'reserved';

-- What answers took so far. Their price was looked up when it was shown: only what nobody was paid for is known of it.
INSERT INTO ledger (
    id, made_at, role, purpose, model, endpoint, conversation_id, message_id, state, input_tokens, output_tokens,
    counted, cost
)
SELECT
    (WITH RECURSIVE growing (text) AS (
        VALUES ('led_' || substr(m.id, 5, 0)) UNION ALL
        SELECT text || substr('bcdfghjklmnpqrstvwxz2345678', 1 + abs(random() % 27), 1)
        FROM growing WHERE length(text) < 24
    ) SELECT text FROM growing WHERE length(text) = 24),
    m.created_at, 'chat', 'answer', m.author_name,
    (SELECT max(r.endpoint) FROM requests AS r WHERE r.model = m.author_name AND r.purpose = 'chat'),
    m.conversation_id, m.id, 'settled', coalesce(m.input_tokens, 0), coalesce(m.output_tokens, 0), 1,
    CASE WHEN m.author_name NOT IN (SELECT model FROM requests WHERE purpose = 'chat') THEN 0 END
FROM messages AS m
WHERE m.author_kind = 'model' AND m.author_name IS NOT NULL
    AND (m.input_tokens IS NOT NULL OR m.output_tokens IS NOT NULL);
