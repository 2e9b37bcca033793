#!/bin/sh
# Tries the server of MCP with an implementation that is not ours and not the one it is built on: the SDK for Node.
# Needs node and npm, and for the first time the network. Run it from the root of the repository.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp scripts/try_mcp_node.mjs "$folder"
(cd "$folder" && npm init --yes >/dev/null && npm install --silent --no-fund --no-audit @modelcontextprotocol/sdk@1.32.2)
node "$folder/try_mcp_node.mjs" "$(uv run python -c 'import sys; print(sys.executable)')" -m assistant.cli \
    --data-dir "$folder/memory" mcp serve --name node
