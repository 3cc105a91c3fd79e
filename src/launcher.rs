//! The executable that people, `ros2 run` and `ros2 launch` start. It links no ROS, so that it can say
//! in one sentence that there is none, where the dynamic loader would name a library; else it becomes
//! the node: the same process with the same arguments.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The node's executable, beside this one.
const NODE: &str = "remote_access_bridge_node";
const HELP: &str = include_str!("help.txt");
/// With it in the environment, the dynamic loader tells the libraries of a program and does not start it.
const ONLY_TELL: &str = "LD_TRACE_LOADED_OBJECTS";
/// Text of the dynamic linker about a library that it does not find.
const NOT_FOUND: &str = " => not found";
/// EX_CONFIG of sysexits.h, as of the node.
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| NODE.into());
    let arguments: Vec<OsString> = arguments.collect();
    // Nothing is left to be done about an output that is gone.
    match start(&name, &arguments) {
        Err(Reason::NoRos(_)) if asks_for(&arguments, ["--help", "-h"]) => {
            io::stdout().write_all(HELP.as_bytes()).ok();
            ExitCode::SUCCESS
        }
        Err(Reason::NoRos(_)) if asks_for(&arguments, ["--version", "-V"]) => {
            let version = env!("CARGO_PKG_VERSION");
            writeln!(io::stdout(), "remote_access_bridge {version}").ok();
            ExitCode::SUCCESS
        }
        Err(Reason::NoRos(problem)) => {
            writeln!(io::stderr(), "remote_access_bridge: {problem}").ok();
            ExitCode::from(EX_CONFIG)
        }
        Err(Reason::NoNode(node, error)) => {
            let node = node.display();
            writeln!(
                io::stderr(),
                "remote_access_bridge: cannot start {node}: {error}"
            )
            .ok();
            ExitCode::FAILURE
        }
        Ok(never) => match never {},
    }
}

/// Why the node was not started.
enum Reason {
    /// Libraries of ROS are missing; says which and what to do.
    NoRos(String),
    /// There is no executable of the node, or the system does not start it.
    NoNode(PathBuf, io::Error),
}

/// Becomes the node, unless that is impossible.
fn start(name: &OsStr, arguments: &[OsString]) -> Result<std::convert::Infallible, Reason> {
    let own = env::current_exe().map_err(|error| Reason::NoNode(NODE.into(), error))?;
    let node = own.with_file_name(NODE);
    let missing = missing_libraries(&node).map_err(|error| Reason::NoNode(node.clone(), error))?;
    if let Some((first, others)) = missing.split_first() {
        return Err(Reason::NoRos(advice(first, others.len())));
    }
    let error = Command::new(&node).arg0(name).args(arguments).exec();
    Err(Reason::NoNode(node, error))
}

fn missing_libraries(program: &Path) -> io::Result<Vec<String>> {
    let told = Command::new(program).env(ONLY_TELL, "1").output()?;
    let told = String::from_utf8_lossy(&told.stdout);
    let missing = told.lines().filter_map(|line| line.strip_suffix(NOT_FOUND));
    Ok(missing.map(|name| name.trim().to_owned()).collect())
}

fn advice(first: &str, others: usize) -> String {
    let more = match others {
        0 => String::new(),
        others => format!(" and {others} more libraries"),
    };
    let sourced = env::var("ROS_DISTRO").ok().filter(|name| !name.is_empty());
    match sourced {
        None => format!(
            "ROS 2 is not sourced ({first}{more} not found); first: . /opt/ros/<distribution>/setup.bash"
        ),
        Some(distribution) => format!(
            "ROS 2 {distribution} is sourced, but without {first}{more}: this program was built for another ROS 2, or packages that package.xml names are not installed (rosdep install)"
        ),
    }
}

fn asks_for(arguments: &[OsString], names: [&str; 2]) -> bool {
    arguments
        .iter()
        .any(|argument| names.iter().any(|&name| argument == name))
}
