#!/bin/sh
# Makes a git repository with the branches main and discounts: make-history.sh <directory>
set -eu
here=$(dirname "$0")
mkdir -p "$1"
git -C "$1" init -q -b main
commit() {
  cp "$here/$1"/* "$2"
  git -C "$2" add -A
  git -C "$2" -c user.name=Example -c user.email=example@example.com commit -q -m "$3"
}
commit before "$1" 'Gross prices'
git -C "$1" checkout -q -b discounts
commit after "$1" 'Discounts'
git -C "$1" checkout -q main
