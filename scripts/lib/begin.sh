# What every script begins with: its arguments are understood before anything is installed. Sourced; leaves `root` and `name`.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
name="$(basename "$0")"

if ! command -v node > /dev/null || [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20')" != true ]; then
  echo "$name: Node 20 or newer is needed: https://nodejs.org/en/download (found: $(node -v 2> /dev/null || echo none))" >&2
  exit 1
fi
for argument in "$@"; do
  case "$argument" in --help | -h) exec node "$root/scripts/lib/usage.mjs" "$name" --help ;; esac
done
node "$root/scripts/lib/usage.mjs" "$name" "$@"
