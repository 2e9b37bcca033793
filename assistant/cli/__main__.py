"""Runs the command line as `python -m assistant.cli`."""

from assistant.cli import main

main()
