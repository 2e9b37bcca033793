"""The chat in the browser: the same application, served to this machine alone."""
