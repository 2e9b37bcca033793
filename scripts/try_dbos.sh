#!/usr/bin/env bash
# Tests the extra `dbos` in an environment of its own: the tests of tasks, on a real PostgreSQL that they start.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_NO_PROGRESS=1 UV_PROJECT_ENVIRONMENT=.venv-dbos TASK_QUEUE=dbos
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    echo "skipped: there is no PostgreSQL here (on Debian: apt-get install postgresql)"
    exit 0
fi
uv run --quiet --extra dbos pytest tests/core/tasks tests/extras/test_dbos.py -p no:cacheprovider
