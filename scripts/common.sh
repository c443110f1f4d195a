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

# Tells builds which commit they are of, as in `9a0ca54, 2026-11-26`, where this is a clone: Package.swift hands it on.
# Elsewhere it is left to whoever builds.
export_commit() {
  local commit date changes=
  if [ ! -e "$root/.git" ] || ! commit=$(git -C "$root" log -1 --abbrev=7 --format=%h 2>/dev/null); then return; fi
  date=$(git -C "$root" log -1 --format=%cs)
  if [ -n "$(git -C "$root" status --porcelain -- Package.swift Sources)" ]; then changes=' with changes'; fi
  export LOCKSTEP_COMMIT="$commit$changes, $date"
}

# Removes a build that was made for another folder: this clone is a copy of one that lay there, or was moved. Compilers
# write down where things are, and fail where these are not. $1: the folder of the build, .build if not given.
remove_foreign_build() {
  local folder=${1:-$root/.build} manifest real
  real=$(cd "$root" && pwd -P)
  for manifest in "$folder/release.yaml" "$folder/debug.yaml"; do
    if [ -e "$manifest" ] && ! grep -q -F -e "\"$root/Sources/" -e "\"$real/Sources/" "$manifest"; then
      echo "$folder was built for another folder than $root: building anew" >&2
      rm -rf "$folder"
      return
    fi
  done
}

# What a build depends on beside the sources.
circumstances() { echo "${LOCKSTEP_MARCH:-} ${LOCKSTEP_COMMIT:-} $(swift --version 2>/dev/null)"; }

# Has `build` find that the build which is there is finished, e.g. where tests have built.
mark_built() {
  export_commit
  circumstances >"$root/.build/lockstep-built-by-scripts"
}

# Builds `lockstep` in release mode, unless nothing has changed since it was built.
build() {
  # The binary's own time says little: an edit that changes nothing in it leaves it as it is. The stamp bears the
  # time at which the build began, so that what was edited meanwhile counts as new, and holds what else matters.
  local binary="$root/.build/release/lockstep" stamp="$root/.build/lockstep-built-by-scripts" log found
  remove_foreign_build
  export_commit
  found=$(circumstances)
  if [ -x "$binary" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$found" ] &&
    [ -z "$(find "$root/Package.swift" "$root/Sources" -newer "$stamp" -print -quit)" ]; then
    return
  fi
  echo "building lockstep (a few minutes the first time)" >&2
  mkdir -p "$root/.build"
  echo "$found" >"$stamp.new"
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
