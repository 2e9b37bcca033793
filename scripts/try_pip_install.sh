#!/usr/bin/env bash
# Follows the README's way for a machine with only Python 3.11 and pip, in a copy of the checkout.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -C "$root" archive HEAD | tar -x -C "$work"
cd "$work"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_QUIET=1 KEEPSAKE_DATA_DIR="$work/data"

# The command of the README's main job, up to the program's own name.
python3 -m venv .venv && .venv/bin/pip install -c constraints.txt . && .venv/bin/keepsake --version
printf '# House\n\nThe spare key is with Ines at number 12.\n' > note.md
.venv/bin/keepsake import note.md
.venv/bin/keepsake ask "Who has the spare key?" | grep -F "Ines at number 12"
# Formats whose libraries are imported when they are first needed.
"$root/scripts/import_samples.sh" "$work/.venv/bin/keepsake"
# The command of the README's tests, on one folder: the whole suite ran above.
.venv/bin/pip install --upgrade pip && .venv/bin/pip install -c constraints.txt -e . --group dev
.venv/bin/pytest tests/core/tools
