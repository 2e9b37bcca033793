"""The parts of the chat's screens, one widget a file."""
