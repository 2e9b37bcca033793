"""Capture: which sentences of the user are worth remembering, what they are about, and what they replace."""
