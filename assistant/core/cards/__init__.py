"""Cards to learn by heart: made from passages, scheduled, exchanged with Anki."""
