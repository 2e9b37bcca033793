"""Reminders: what is to be said at times that come, read from words, said once, whatever happens meanwhile."""
