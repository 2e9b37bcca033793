-- Cards to learn from: a question and an answer that a passage gives, whose own words are the quote. A card goes with its
-- passage, and is private where that is. When it is due follows from its reviews; it stands here so that it is found.
CREATE TABLE cards (
    id          TEXT PRIMARY KEY,
    passage_id  TEXT NOT NULL REFERENCES passages (id) ON DELETE CASCADE,
    question    TEXT NOT NULL,
    answer      TEXT NOT NULL,
    quote       TEXT NOT NULL,
    author_kind TEXT NOT NULL CHECK (author_kind IN ('user', 'model', 'document')),
    author_name TEXT,
    made_at     TEXT NOT NULL,
    due_at      TEXT NOT NULL
) STRICT;
CREATE INDEX cards_of_passage ON cards (passage_id);
CREATE INDEX cards_by_time_due ON cards (due_at);

-- How well a card was known each time, as the user said.
CREATE TABLE card_reviews (
    card_id     TEXT NOT NULL REFERENCES cards (id) ON DELETE CASCADE,
    reviewed_at TEXT NOT NULL,
    grade       TEXT NOT NULL CHECK (grade IN ('again', 'hard', 'good', 'easy')),
    PRIMARY KEY (card_id, reviewed_at)
) STRICT;
