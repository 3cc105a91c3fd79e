//! Says in one sentence what `rclrs` would say in fifty errors: that the Rust crates of the interfaces
//! which it is compiled with are nowhere on `AMENT_PREFIX_PATH`.

use std::path::PathBuf;
use std::{env, fs};

/// The interface packages that rclrs names.
const PACKAGES: [&str; 5] = [
    "action_msgs",
    "builtin_interfaces",
    "rcl_interfaces",
    "rosgraph_msgs",
    "unique_identifier_msgs",
];
const PREFIXES: &str = "AMENT_PREFIX_PATH";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={PREFIXES}");
    let prefixes = env::var_os(PREFIXES).unwrap_or_default();
    let prefixes: Vec<PathBuf> = env::split_paths(&prefixes)
        .filter(|prefix| !prefix.as_os_str().is_empty())
        .collect();
    if prefixes.is_empty() {
        println!("cargo::error=no ROS 2 is sourced ({PREFIXES} is empty); first: . /opt/ros/<distribution>/setup.bash");
        return;
    }
    let missing: Vec<&str> = PACKAGES
        .into_iter()
        .filter(|package| !has_crate(&prefixes, package))
        .collect();
    if !missing.is_empty() {
        println!(
            "cargo::error=this ROS 2 lacks the Rust crates (share/<package>/rust) of {}; run this in the same shell, then build again: eval \"$({}/scripts/rust_interfaces)\"",
            missing.join(", "),
            env::var("CARGO_MANIFEST_DIR").unwrap_or_default(),
        );
    }
}

/// Whether the first prefix with a crate for the package has one that rclrs takes: generators before
/// rosidl_generator_rs 0.4.12 made others.
fn has_crate(prefixes: &[PathBuf], package: &str) -> bool {
    let manifest = |prefix: &PathBuf| prefix.join("share").join(package).join("rust/Cargo.toml");
    let found = prefixes
        .iter()
        .find_map(|prefix| fs::read_to_string(manifest(prefix)).ok());
    found.is_some_and(|text| text.contains("[package.metadata.ros-env]"))
}
