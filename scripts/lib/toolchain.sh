# shellcheck shell=bash
# Says which package to install when a tool of the machine is missing. Part of scripts/setup.

check_rust() {
  local wanted=1.89 found
  if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
    missing "The Rust toolchain is missing" "install Rust $wanted or newer, for example with rustup (https://rustup.rs)"
  fi
  found=$(rustc --version | sed 's/^rustc \([0-9]*\.[0-9]*\).*/\1/')
  at_least "$found" "$wanted" ||
    missing "Rust $found is too old" "install Rust $wanted or newer, for example with: rustup update stable"
}

# The checks format and lint; rustup's minimal profile lacks both tools.
check_rust_tools() {
  if ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    missing "rustfmt or clippy is missing" "install both, for example with: rustup component add rustfmt clippy"
  fi
}

check_c_compiler() {
  command -v cc >/dev/null ||
    missing "A C compiler is missing (cc)" "install it with: sudo apt install build-essential"
}

check_cxx_compiler() {
  command -v c++ >/dev/null ||
    missing "A C++ compiler is missing (c++)" "install it with: sudo apt install build-essential"
}

check_go() {
  local wanted=1.26 found
  command -v go >/dev/null ||
    missing "livekit-server is not in the PATH, and Go to build it is missing" "install either livekit-server, or Go $wanted or newer (https://go.dev)"
  found=$(go env GOVERSION | sed 's/^go\([0-9]*\.[0-9]*\).*/\1/')
  at_least "$found" "$wanted" ||
    missing "livekit-server is not in the PATH, and Go $found is too old to build it" "install either livekit-server, or Go $wanted or newer (https://go.dev)"
}

# check_venv PYTHON: Debian ships venv apart from Python.
check_venv() {
  local version
  "$1" -c 'import ensurepip, venv' 2>/dev/null && return
  version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  missing "$1 cannot make virtual environments" "install the module with: sudo apt install python$version-venv"
}

# check_interfaces PYTHON DISTRO: the message packages of the demo and the tests.
check_interfaces() {
  local package
  for package in diagnostic_msgs nav_msgs sensor_msgs std_srvs test_msgs tf2_msgs; do
    "$1" -c "import $package" 2>/dev/null ||
      missing "ROS 2 $2 has no $package" "install it with: sudo apt install ros-$2-$(echo $package | tr _ -)"
  done
}

# at_least FOUND WANTED: compares versions of the form MAJOR.MINOR.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t . -k 1,1n -k 2,2n | head -n 1)" = "$2" ]
}
