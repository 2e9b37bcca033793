#!/usr/bin/env bash
# Tests the extra `ocr` in an environment of its own: pictures and scanned pages, read in the process that reads files.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_NO_PROGRESS=1 UV_PROJECT_ENVIRONMENT=.venv-ocr
uv run --quiet --extra ocr pytest tests/extras/test_ocr.py -n0 -p no:cacheprovider
