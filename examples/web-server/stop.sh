#!/bin/sh
# Ends the server of an environment: stop.sh [data directory]
set -eu
for file in "${1:-.orchestrator}"/deployments/*/web/run/pid; do
  kill -- "-$(head -n 1 "$file")"
done
