#!/usr/bin/env bash
# Installs the clients that the tests drive: node_modules and .venv beside this file. Quick when done.
set -euo pipefail
cd "$(dirname "$0")"
exec 9>.install.lock
flock 9
stamp=$(cat package-lock.json requirements.txt | sha256sum | cut -c1-16)
if [ "$(cat node_modules/.stamp 2>/dev/null)" != "$stamp" ]; then
    npm ci --ignore-scripts --no-audit --no-fund --silent
    echo "$stamp" > node_modules/.stamp
fi
if [ "$(cat .venv/.stamp 2>/dev/null)" != "$stamp" ]; then
    rm -rf .venv
    python3 -m venv .venv || { apt-get install -y -q python3-venv && python3 -m venv .venv; }
    .venv/bin/pip install -q --disable-pip-version-check -r requirements.txt
    echo "$stamp" > .venv/.stamp
fi
