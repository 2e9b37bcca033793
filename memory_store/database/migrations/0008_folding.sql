-- Full text folds as ranking does: see memory_store/folding.py. Marks that belong to a letter and pictures are signs of
-- words. `search_words` are other spellings of a passage's names: the parts of an identifier, a number without spaces.
ALTER TABLE passages ADD COLUMN search_words TEXT;

DROP TABLE passages_vocabulary;
DROP TABLE echoes_vocabulary;
DROP TABLE passages_fts;
DROP TABLE echoes_fts;
DROP TRIGGER passages_inserted;
DROP TRIGGER passages_deleted;
DROP TRIGGER passages_updated;
DROP VIEW searchable_passages;
DROP VIEW searchable_echoes;
UPDATE passages SET search_text = searchable(text), search_words = other_words(context, text),
    search_context = searchable_context(context, created_at, document_id IS NULL);

CREATE VIEW searchable_passages AS
SELECT row, coalesce(search_context, context) AS context,
    coalesce(search_text, text) || coalesce(' ' || search_words, '') AS text
FROM passages WHERE echo = 0;
CREATE VIEW searchable_echoes AS
SELECT row, coalesce(search_context, context) AS context,
    coalesce(search_text, text) || coalesce(' ' || search_words, '') AS text
FROM passages WHERE echo = 1;

CREATE VIRTUAL TABLE passages_fts USING fts5 (
    context, text,
    content = 'searchable_passages', content_rowid = 'row',
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* M* Co So'"
);
CREATE VIRTUAL TABLE echoes_fts USING fts5 (
    context, text,
    content = 'searchable_echoes', content_rowid = 'row',
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* M* Co So'"
);
INSERT INTO passages_fts (passages_fts, rank) VALUES ('rank', 'bm25(0.6, 1.0)');
INSERT INTO echoes_fts (echoes_fts, rank) VALUES ('rank', 'bm25(0.6, 1.0)');
CREATE VIRTUAL TABLE passages_vocabulary USING fts5vocab (passages_fts, row);
CREATE VIRTUAL TABLE echoes_vocabulary USING fts5vocab (echoes_fts, row);

CREATE TRIGGER passages_inserted AFTER INSERT ON passages BEGIN
    INSERT INTO passages_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context),
        coalesce(new.search_text, new.text) || coalesce(' ' || new.search_words, '')
    WHERE new.echo = 0;
    INSERT INTO echoes_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context),
        coalesce(new.search_text, new.text) || coalesce(' ' || new.search_words, '')
    WHERE new.echo = 1;
END;
CREATE TRIGGER passages_deleted AFTER DELETE ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context),
        coalesce(old.search_text, old.text) || coalesce(' ' || old.search_words, '')
    WHERE old.echo = 0;
    INSERT INTO echoes_fts (echoes_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context),
        coalesce(old.search_text, old.text) || coalesce(' ' || old.search_words, '')
    WHERE old.echo = 1;
END;
CREATE TRIGGER passages_updated AFTER UPDATE OF text, context, search_text, search_context, search_words, echo
ON passages BEGIN
    INSERT INTO passages_fts (passages_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context),
        coalesce(old.search_text, old.text) || coalesce(' ' || old.search_words, '')
    WHERE old.echo = 0;
    INSERT INTO echoes_fts (echoes_fts, rowid, context, text)
    SELECT 'delete', old.row, coalesce(old.search_context, old.context),
        coalesce(old.search_text, old.text) || coalesce(' ' || old.search_words, '')
    WHERE old.echo = 1;
    INSERT INTO passages_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context),
        coalesce(new.search_text, new.text) || coalesce(' ' || new.search_words, '')
    WHERE new.echo = 0;
    INSERT INTO echoes_fts (rowid, context, text)
    SELECT new.row, coalesce(new.search_context, new.context),
        coalesce(new.search_text, new.text) || coalesce(' ' || new.search_words, '')
    WHERE new.echo = 1;
END;
INSERT INTO passages_fts (passages_fts) VALUES ('rebuild');
INSERT INTO echoes_fts (echoes_fts) VALUES ('rebuild');
