# Shared by the scripts beside it; sourced, never run. Leaves the shell in the root of the project.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit

# One line per step, with the seconds since the start.
step() { printf '==> [%4ds] %s\n' "$SECONDS" "$*" >&2; }

# fail MESSAGE [HINT]
fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

# need COMMAND:PACKAGE... installs the Debian packages whose command, or file, is missing. Elsewhere, or without root, it
# says what to install.
need() {
  local wanted=() pair probe
  for pair in "$@"; do
    probe=${pair%%:*}
    if [ "${probe#/}" = "$probe" ]; then
      command -v "$probe" >/dev/null || wanted+=("${pair#*:}")
    elif command -v apt-get >/dev/null; then # a file stands for a package on Debian only
      [ -e "$probe" ] || wanted+=("${pair#*:}")
    fi
  done
  [ ${#wanted[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    fail "missing on this machine: ${wanted[*]} (names of Debian packages)" "install them, or run this once as root on Debian"
  fi
  step "install: ${wanted[*]}"
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${wanted[@]}" >/dev/null
}

# What every build needs beside Rust: a linker, the C library's headers, roots to reach crates.io.
need_build() {
  need cc:gcc /usr/include/stdio.h:libc6-dev /etc/ssl/certs/ca-certificates.crt:ca-certificates
  command -v cargo >/dev/null || fail "there is no cargo on this machine" "install Rust from https://rustup.rs"
}

# What checks packages: licences, sources, advisories.
need_deny() {
  cargo deny --version >/dev/null 2>&1 && return 0
  step 'install: cargo-deny'
  cargo install --locked cargo-deny@0.20.2
}

# need_component NAME... parts of Rust that a minimal installation leaves out.
need_component() {
  local name
  for name in "$@"; do
    cargo "${name/rustfmt/fmt}" --version >/dev/null 2>&1 && continue
    command -v rustup >/dev/null || fail "\`$name\` is missing" "install the part of Rust that holds it"
    step "install: $name"
    rustup component add "$name"
  done
}

# The version of the workspace, from Cargo.toml.
version() { sed -n '/^\[workspace\.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml; }
