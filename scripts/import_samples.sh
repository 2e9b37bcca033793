#!/usr/bin/env bash
# Imports a sample of every format and of every assistant's export with an installed Keepsake, and fails if one fails.
# Usage: scripts/import_samples.sh COMMAND…, such as `uv run keepsake` or `.venv/bin/keepsake`
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$root" && uv run --quiet python -m scripts.break_files --samples "$work/samples")
folders=("$work/samples")
[ -d "$root/../shared/samples" ] && folders+=("$root/../shared/samples")
"$@" --data-dir "$work/data" import --background "${folders[@]}" | tee "$work/told"
if grep -q "^failed" "$work/told"; then
    echo "not every sample was imported" >&2
    exit 1
fi
