-- Echoes: what the user merely asked, and what a model said. They are found when they are looked for, and are no part of
-- recall, of how rare a word is, or of the index: a question would stand before what answers it.
ALTER TABLE passages ADD COLUMN echo INTEGER NOT NULL DEFAULT 0 CHECK (echo IN (0, 1));

DROP TABLE passages_vocabulary;
DROP TABLE passages_fts;
DROP TRIGGER passages_inserted;
DROP TRIGGER passages_deleted;
DROP TRIGGER passages_updated;
DROP VIEW searchable_passages;
UPDATE passages SET echo = 1 WHERE message_id IS NOT NULL AND author_kind = 'model';
CREATE INDEX passages_echoing ON passages (message_id) WHERE echo = 1;

CREATE VIEW searchable_passages AS
SELECT row, coalesce(search_context, context) AS context, coalesce(search_text, text) AS text FROM passages
WHERE echo = 0;
CREATE VIEW searchable_echoes AS
SELECT row, coalesce(search_context, context) AS context, coalesce(search_text, text) AS text FROM passages
WHERE echo = 1;

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    context, text,
    content = 'searchable_passages', content_rowid = 'row',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE echoes_fts USING fts5 (
    context, text,
    content = 'searchable_echoes', content_rowid = 'row',
    tokenize = 'porter unicode61 remove_diacritics 2'
);
INSERT INTO passages_fts (passages_fts, rank) VALUES ('rank', 'bm25(0.6, 1.0)');
INSERT INTO echoes_fts (echoes_fts, rank) VALUES ('rank', 'bm25(0.6, 1.0)');
CREATE VIRTUAL TABLE passages_vocabulary USING fts5vocab (passages_fts, row);
CREATE VIRTUAL TABLE echoes_vocabulary USING fts5vocab (echoes_fts, row);

CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context), coalesce(new.search_text, new.text) WHERE new.echo = 0;
    INSERT INTO echoes_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context), coalesce(new.search_text, new.text) WHERE new.echo = 1;
END;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context), coalesce(old.search_text, old.text)
    WHERE old.echo = 0;
    INSERT INTO echoes_fts (echoes_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context), coalesce(old.search_text, old.text)
    WHERE old.echo = 1;
END;
CREATE TRIGGER passages_updated AFTER UPDATE OF text, context, search_text, search_context, echo ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context), coalesce(old.search_text, old.text)
    WHERE old.echo = 0;
    INSERT INTO echoes_fts (echoes_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context), coalesce(old.search_text, old.text)
    WHERE old.echo = 1;
    INSERT INTO passages_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context), coalesce(new.search_text, new.text) WHERE new.echo = 0;
    INSERT INTO echoes_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context), coalesce(new.search_text, new.text) WHERE new.echo = 1;
END;
INSERT INTO passages_fts (passages_fts) VALUES ('rebuild');
INSERT INTO echoes_fts (echoes_fts) VALUES ('rebuild');
