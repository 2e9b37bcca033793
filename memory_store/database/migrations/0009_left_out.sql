-- What of a document's file could not be read: JSON, a list of [part, reason, hint]; NULL where all of it was read.
ALTER TABLE documents ADD COLUMN left_out TEXT;
