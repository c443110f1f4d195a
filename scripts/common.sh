# shellcheck shell=bash
# Shared by the scripts beside it; to be sourced. Sets `root` and defines functions.

unset CDPATH # with it, cd may go elsewhere, and prints where
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# mpirun refuses to run as root unless it is told twice that this is meant.
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# The folder with MNIST, where there is one already.
find_mnist() {
  local folder
  for folder in "${LOCKSTEP_DATA:-}" data/mnist "$root/data/mnist" "$root/../shared/data/mnist" \
    "${XDG_CACHE_HOME:-$HOME/.cache}/lockstep/mnist"; do
    if [ -n "$folder" ] && { [ -e "$folder/train-images-idx3-ubyte" ] || [ -e "$folder/train-images-idx3-ubyte.gz" ]; }; then
      (cd "$folder" && pwd)
      return
    fi
  done
  return 1
}

# Builds `lockstep` in release mode, unless nothing has changed since it was built.
build() {
  # The binary's own time says little: an edit that changes nothing in it leaves it as it is. The stamp bears the
  # time at which the build began, so that what was edited meanwhile counts as new, and holds what else matters.
  local binary="$root/.build/release/lockstep" stamp="$root/.build/lockstep-built-by-scripts" log circumstances
  circumstances="${LOCKSTEP_MARCH:-} $(swift --version 2>/dev/null)"
  if [ -x "$binary" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$circumstances" ] &&
    [ -z "$(find "$root/Package.swift" "$root/Sources" -newer "$stamp" -print -quit)" ]; then
    return
  fi
  echo "building lockstep (a few minutes the first time)" >&2
  mkdir -p "$root/.build"
  echo "$circumstances" >"$stamp.new"
  local command=(swift build --package-path "$root" -c release --product lockstep)
  if [ -t 2 ]; then
    "${command[@]}" >&2 || return 1
  else
    log=$(mktemp)
    if ! "${command[@]}" >"$log" 2>&1; then
      cat "$log" >&2
      rm -f "$log"
      return 1
    fi
    rm -f "$log"
  fi
  mv "$stamp.new" "$stamp"
}
