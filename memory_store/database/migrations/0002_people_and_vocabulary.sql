-- Who speaks in conversations, so that a query's names are known; and the words of the full-text index with their counts.

CREATE INDEX passages_of_person ON passages (author_name)
WHERE message_id IS NOT NULL AND author_kind = 'user' AND author_name IS NOT NULL;

CREATE VIRTUAL TABLE passages_vocabulary USING fts5vocab (passages_fts, row);
