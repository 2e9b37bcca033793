-- A source that the user called not relevant for the question that its answer is to.
ALTER TABLE citations ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0 CHECK (dismissed IN (0, 1));
CREATE INDEX citations_dismissed ON citations (passage_id) WHERE dismissed = 1;

-- A conversation that is put away: recalled as ever, but not in the list of chats unless it is asked for.
ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1));
