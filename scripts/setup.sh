# Sourced by every script here: makes sure that a Node of version 24 or newer and the packages are at hand.
# Sets NODE. Says what it does whenever it takes longer than a moment; fails with one line and exit code 2.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
give_up() { say "odradek: $*"; exit 2; }

node_is_new_enough() {
  [ -x "$(command -v "$1")" ] && [ "$("$1" -p 'Number(process.versions.node.split(".")[0]) >= 24' 2>/dev/null)" = true ]
}

# The system's Node when it is new enough, else one from npm's `node` package, fetched once into .node/.
find_node() {
  local own="$ROOT/.node/node_modules/node/bin/node"
  if [ -z "${ODRADEK_OWN_NODE:-}" ] && node_is_new_enough node; then NODE=$(command -v node); return; fi
  if ! node_is_new_enough "$own"; then
    command -v npm >/dev/null || give_up "needs Node 24 or newer, or npm to fetch it; neither was found"
    say "odradek: fetching Node 24 into .node/ (once)"
    mkdir -p "$ROOT/.node" && printf '{"private":true}\n' >"$ROOT/.node/package.json"
    (cd "$ROOT/.node" && npm install --no-audit --no-fund --loglevel=error node@24 >"$ROOT/.node/install.log" 2>&1) ||
      give_up "could not fetch Node 24 with npm; see .node/install.log"
    node_is_new_enough "$own" || give_up "the fetched Node does not run; see .node/install.log"
  fi
  NODE=$own
  PATH="$(dirname "$own"):$PATH"
}

# The packages of package-lock.json, installed again when it has changed.
find_packages() {
  local stamp="$ROOT/node_modules/.odradek-lock"
  if cmp -s "$ROOT/package-lock.json" "$stamp"; then return; fi
  command -v npm >/dev/null || give_up "needs npm to install its packages"
  say "odradek: installing packages (once)"
  (cd "$ROOT" && npm ci --no-audit --no-fund --loglevel=error >"$ROOT/.install.log" 2>&1) ||
    give_up "npm ci failed; see .install.log"
  rm -f "$ROOT/.install.log"
  cp "$ROOT/package-lock.json" "$stamp"
}

setup() {
  # One set-up at a time, as several commands may be started at once in a fresh checkout.
  if command -v flock >/dev/null; then
    exec 9>"$ROOT/.setup.lock"
    flock 9
  fi
  find_node
  find_packages
  if command -v flock >/dev/null; then exec 9>&-; fi
  # Node forgets at its start that a signal was ignored.
  if [ -n "$(trap -p HUP)" ]; then export ODRADEK_NOHUP=1; fi
  export NODE PATH NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$ROOT/node_modules/.cache/compile}"
}
