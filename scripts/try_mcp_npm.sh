#!/bin/sh
# Uses a server of MCP that is not ours, from npm (MIT), in turns of a chat. Needs node and npm, and for the first time the network.
# Run it from the root of the repository.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && npm init --yes >/dev/null && npm install --silent --no-fund --no-audit @modelcontextprotocol/server-everything@2026.8.31)
NPM_SERVERS="$folder/node_modules" uv run pytest tests/extras/test_npm_server.py -n0 -p no:cacheprovider
