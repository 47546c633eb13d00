#!/bin/sh
# Writes the secrets of the compose stack once, readable by you alone: passwords of the database and of the administrator,
# an API token, and what tokens and stored secrets are sealed with; all random.
# `make compose-up` calls it. Running it again changes nothing.
set -eu

file="${1:-.orchestrator/compose.env}"
if [ -e "$file" ]; then
  exit 0
fi

random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

umask 077
mkdir -p "$(dirname "$file")"
# Only letters and digits: the password also stands inside a URL.
for name in POSTGRES_PASSWORD ORCHESTRATOR_AUTH_API_TOKEN ORCHESTRATOR_AUTH_JWT_SECRET ORCHESTRATOR_AUTH_ADMIN_PASSWORD \
  ORCHESTRATOR_SECRETS_KEY; do
  printf '%s=%s\n' "$name" "$(random)" >> "$file"
done
echo "Wrote new secrets to $file"
