#!/bin/sh
# Writes the secrets of the compose stack once, readable by you alone: a random database password and a random API token.
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
printf 'POSTGRES_PASSWORD=%s\nORCHESTRATOR_AUTH_API_TOKEN=%s\n' "$(random)" "$(random)" > "$file"
echo "Wrote new secrets to $file"
