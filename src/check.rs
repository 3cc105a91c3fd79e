//! `--check`: checks everything that the node needs and reports what is wrong in plain words.

use std::env;
use std::path::PathBuf;

use remote_access_bridge::config::{Config, ConfigError};
use remote_access_room::Finding;

/// Packages whose messages the node loads while it runs.
const MESSAGES: [&str; 4] = [
    "diagnostic_msgs",
    "geometry_msgs",
    "rcl_interfaces",
    "std_msgs",
];

/// Prints what it finds; an error if something is wrong.
pub(crate) async fn check(config: Result<Config, ConfigError>) -> anyhow::Result<()> {
    let mut wrong = tell(&ros());
    match &config {
        Ok(config) => {
            let warnings = config.warnings.iter().cloned().map(Finding::Note);
            let fine = Finding::Fine("parameters: valid".to_owned());
            wrong += tell(&warnings.chain([fine]).collect::<Vec<_>>());
            wrong += tell(&remote_access_room::check(&config.endpoint).await);
        }
        Err(error) => wrong += tell(&[Finding::Wrong(format!("parameters: {error}"))]),
    }
    // Its exit code is one of its own.
    config?;
    anyhow::ensure!(wrong == 0, "{wrong} of these checks failed");
    Ok(())
}

/// Prints findings, and counts those that are wrong.
fn tell(findings: &[Finding]) -> usize {
    for finding in findings {
        super::print(&format!("{finding}\n")).ok();
    }
    findings.iter().filter(|each| each.is_wrong()).count()
}

fn ros() -> Vec<Finding> {
    let variable = |name| env::var(name).ok().filter(|text| !text.is_empty());
    let prefixes = env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    let prefixes: Vec<PathBuf> = env::split_paths(&prefixes)
        .filter(|prefix| prefix.is_dir())
        .collect();
    let Some(distribution) = variable("ROS_DISTRO").filter(|_| !prefixes.is_empty()) else {
        return vec![Finding::Wrong(
            "ROS: not sourced (ROS_DISTRO, AMENT_PREFIX_PATH); first: . /opt/ros/<distribution>/setup.bash"
                .to_owned(),
        )];
    };
    let or = |name, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
    let mut findings = vec![Finding::Fine(format!(
        "ROS: {distribution}, middleware {}, domain {}, discovery range {}",
        or("RMW_IMPLEMENTATION", "the distribution's default"),
        or("ROS_DOMAIN_ID", "0"),
        or("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET"),
    ))];
    let is_installed = |package: &str| {
        let file = format!("share/{package}/package.xml");
        prefixes.iter().any(|prefix| prefix.join(&file).is_file())
    };
    let missing: Vec<&str> = MESSAGES
        .into_iter()
        .filter(|package| !is_installed(package))
        .collect();
    findings.push(if missing.is_empty() {
        Finding::Fine("messages: all packages that the node needs are installed".to_owned())
    } else {
        Finding::Wrong(format!(
            "messages: {} not on AMENT_PREFIX_PATH; install ros-{distribution}-{} or source the \
             workspace that contains them",
            missing.join(", "),
            missing[0].replace('_', "-"),
        ))
    });
    if !is_installed("remote_access_bridge") {
        findings.push(Finding::Note(
            "overlay: this node's workspace is not sourced (. install/setup.bash), so ros2 run and \
             ros2 launch will not find it"
                .to_owned(),
        ));
    }
    findings
}
