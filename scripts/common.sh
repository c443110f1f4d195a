# shellcheck shell=bash
# Shared by the scripts beside it; to be sourced. Sets `root` and defines functions.

unset CDPATH # with it, cd may go elsewhere, and prints where
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# mpirun refuses to run as root unless it is told twice that this is meant.
if [ "$(id -u)" -eq 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# The physical cores this process may run on, and no more than a container's share of time is worth.
physical_cores() {
  local cores quota period
  cores=$(lscpu -p=CPU,CORE,SOCKET 2>/dev/null | awk -F, -v allowed="$(allowed_processors)" '
    BEGIN {
      n = split(allowed, ranges, ",")
      for (i = 1; i <= n; i++) {
        if (split(ranges[i], ends, "-") == 1) ends[2] = ends[1]
        for (processor = ends[1] + 0; processor <= ends[2] + 0; processor++) may[processor] = 1
      }
    }
    /^#/ || !($1 + 0 in may) { next }
    { seen[$2 == "" ? "cpu " $1 : $2 "," $3] = 1 } # some virtual machines do not tell cores
    END { for (core in seen) count++; print count + 0 }')
  if [ "${cores:-0}" -lt 1 ]; then cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc); fi
  if read -r quota period 2>/dev/null </sys/fs/cgroup/cpu.max && [ "$quota" != max ]; then
    quota=$((quota / period))
    if [ "$quota" -lt 1 ]; then quota=1; fi
    if [ "$quota" -lt "$cores" ]; then cores=$quota; fi
  fi
  echo "$cores"
}

# The processors (hyperthreads) this process may run on, e.g. 0-3,8.
allowed_processors() {
  awk '$1 == "Cpus_allowed_list:" { print $2 }' /proc/self/status
}

# Whether this process may run on all processors that are switched on.
may_use_all_processors() {
  [ "$(allowed_processors)" = "$(cat /sys/devices/system/cpu/online 2>/dev/null)" ]
}

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
