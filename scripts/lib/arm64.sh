# shellcheck shell=bash
# What cargo needs to compile for arm64 on another machine. Part of scripts/deb and scripts/arm64.

# The target of cargo.
ARM64=aarch64-unknown-linux-gnu

# Sets the environment in which cargo compiles with --target $ARM64; says what is missing.
arm64_environment() {
  local compiler=aarch64-linux-gnu-gcc
  if ! command -v "$compiler" >/dev/null || ! [ -d "$(rustc --print sysroot)/lib/rustlib/$ARM64" ]; then
    echo "cannot compile for arm64; install once: rustup target add $ARM64 && sudo apt install gcc-aarch64-linux-gnu" >&2
    return 1
  fi
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$compiler CC_aarch64_unknown_linux_gnu=$compiler
}
