# Program of the node `collect`: conventional commits of the file named by the first argument, one JSON object a line.
# Lines that are no conventional commit (merges) are left out.
set -euo pipefail

sed -nE 's/^([0-9a-f]{7}) ([a-z]+)\(([a-z-]+)\)(!?): (.*)$/{"hash":"\1","type":"\2","scope":"\3","breaking":"\4","text":"\5"}/p' "$1"
