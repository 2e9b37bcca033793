-- How much effort answers in a chat take, where the user chose it there; NULL for the setting's.
ALTER TABLE conversations ADD COLUMN effort TEXT CHECK (effort IN ('instant', 'balanced', 'thorough', 'later'));
