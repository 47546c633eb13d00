#!/bin/sh
# Makes the search attributes that runs carry, so that Temporal Web UI can filter by them. Safe to run again.
# Needs the `temporal` CLI; TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where.
set -eu

address="${TEMPORAL_ADDRESS:-localhost:7233}"
namespace="${TEMPORAL_NAMESPACE:-default}"

present="$(temporal operator search-attribute list --address "$address" --namespace "$namespace")"
for name in OrchestratorWorkflow OrchestratorProject OrchestratorType OrchestratorState; do
  case "$present" in
    *"$name"*) echo "$name is there" ;;
    *) temporal operator search-attribute create --address "$address" --namespace "$namespace" --name "$name" --type Keyword ;;
  esac
done
