"""How well the assistant captures memories from chat, on dialogues written by hand: `python -m benchmarks.learning`."""
