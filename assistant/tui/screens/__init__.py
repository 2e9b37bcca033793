"""The chat and the dialogs that open over it."""
