"""Embeddings by any sentence-transformers model, from a folder or a cached name (the extra of that name)."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np

from memory_store.embedding.base import EmbedderIdentity, LocalEmbedder, Vectors, normalize
from memory_store.errors import EmbeddingError


def unavailable_reason(model: str = "") -> str | None:
    """Return why sentence-transformers, or a model of it, can't be used here, or None if it can."""
    if util.find_spec("sentence_transformers") is None:
        return 'sentence-transformers is not installed (pip install "keepsake-assistant[sentence-transformers]")'
    if Path(model).is_absolute() and not Path(model).is_dir():
        return f"the folder {model} of the model is not there"
    return None


class SentenceTransformersEmbedder(LocalEmbedder):
    """A sentence-transformers model. Prompts named `query` and `passage` (or `document`) are used where it has them."""

    def __init__(self, model: str) -> None:
        self._name = model
        self._lock = threading.Lock()
        self._model: Any = None
        self._dimension = 0

    @property
    def identity(self) -> EmbedderIdentity:
        """Who makes the vectors: a folder is known by its name, and a hash of its settings and its weights' sizes.

        The dimension is known once the model is loaded.
        """
        folder = Path(self._name)
        if folder.is_dir():
            return EmbedderIdentity(f"sentence-transformers/{folder.name}", _fingerprint(folder), self._dimension)
        return EmbedderIdentity(f"sentence-transformers/{self._name}", _version(), self._dimension)

    def load(self) -> None:
        """Load the model."""
        self._load_model()

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors, shape (n, dimension)."""
        return self._encode(list(texts), ("passage", "document"))

    def embed_query(self, text: str) -> Vectors:
        """Return the unit vector of a query, shape (dimension,)."""
        return np.asarray(self._encode([text], ("query",))[0], dtype=np.float32)

    def close(self) -> None:
        """Release the weights."""
        with self._lock:
            self._model = None

    def _encode(self, texts: list[str], prompts: tuple[str, ...]) -> Vectors:
        model = self._load_model()
        known = getattr(model, "prompts", None) or {}
        prompt = next((name for name in prompts if known.get(name)), None)
        try:
            with self._lock:
                vectors = model.encode(texts, prompt_name=prompt, convert_to_numpy=True, show_progress_bar=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise EmbeddingError(f"The sentence-transformers model {self._name} gave no vectors: {error}.") from error
        found = normalize(np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1))
        if not np.isfinite(found).all():
            raise EmbeddingError(f"The sentence-transformers model {self._name} gave what is no number.")
        return found

    def _load_model(self) -> Any:
        with self._lock:
            if self._model is None:
                reason = unavailable_reason()
                if reason:
                    raise EmbeddingError(f"The embedder can't be used: {reason}.")
                try:
                    from sentence_transformers import SentenceTransformer

                    self._model = SentenceTransformer(self._name, device="cpu")
                    self._dimension = int(self._model.get_sentence_embedding_dimension() or 0)
                except Exception as error:
                    raise EmbeddingError(
                        f"The sentence-transformers model {self._name} could not be loaded: {error}.",
                        "Set embedder.model to a folder that holds the model.",
                    ) from error
            return self._model


def _version() -> str:
    try:
        return metadata.version("sentence-transformers")
    except metadata.PackageNotFoundError:
        return ""  # not installed: loading it says so


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".json", ".safetensors", ".bin"):
            digest.update(f"{path.relative_to(folder)}:{path.stat().st_size};".encode())
            if path.suffix == ".json":
                digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
