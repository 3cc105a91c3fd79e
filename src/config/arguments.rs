//! The command line: the node's own options and those of ROS, which rclcpp knows and rclrs 0.8 takes
//! only a part of.

use std::path::PathBuf;

use super::arguments_error::ArgumentsError;
use super::log_level::LogLevel;
use super::node_name::full_name;
use super::overrides::{Overrides, Source};
use super::yaml::Yaml;

/// The node's name unless remapped.
pub const NODE_NAME: &str = "remote_access_bridge";

/// ROS options that are passed on as they are, with the number of their values.
const PASSED_ON: [(&str, usize); 10] = [
    ("--log-config-file", 1),
    ("--log-file-name", 1),
    ("--enclave", 1),
    ("-e", 1),
    ("--enable-rosout-logs", 0),
    ("--disable-rosout-logs", 0),
    ("--enable-stdout-logs", 0),
    ("--disable-stdout-logs", 0),
    ("--enable-external-lib-logs", 0),
    ("--disable-external-lib-logs", 0),
];

/// Task of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Run the node.
    #[default]
    Run,
    /// Look at all that the node needs, and say what is wrong.
    Check,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Print the table of parameters.
    PrintParameters,
}

/// The command line, understood.
#[derive(Debug)]
pub struct Arguments {
    /// Task of the process.
    pub task: Task,
    /// The node's full name, as `/robot1/remote_access_bridge`.
    pub node: String,
    /// The parameters that are given, of files and of the command line.
    pub overrides: Overrides,
    /// Level of the log.
    pub log_levels: Vec<LogLevel>,
    /// Whether to end when the parent process has ended.
    pub end_with_parent: bool,
    /// Arguments for rcl: no parameters, which rclrs 0.8 reads otherwise than rclcpp does.
    rcl: Vec<String>,
}

/// Where parameters come from, in the order of the command line.
enum Given {
    File(PathBuf),
    Parameter { name: String, value: Yaml },
}

impl Arguments {
    /// Reads the arguments, the first of which is the program's name, and the parameter files.
    ///
    /// # Errors
    /// Says what cannot be understood or read.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, ArgumentsError> {
        let mut arguments = arguments.into_iter();
        let mut rcl = vec![
            arguments.next().unwrap_or_default(),
            "--ros-args".to_owned(),
        ];
        let mut task = Task::default();
        let mut given = Vec::new();
        let mut remappings = Vec::new();
        let mut log_levels = Vec::new();
        let mut end_with_parent = false;
        let mut for_ros = false;
        while let Some(argument) = arguments.next() {
            if !for_ros {
                match argument.as_str() {
                    "--ros-args" => for_ros = true,
                    "--check" => task = Task::Check,
                    "--end-with-parent" => end_with_parent = true,
                    "--help" | "-h" => task = Task::Help,
                    "--version" | "-V" => task = Task::Version,
                    "--print-parameters" => task = Task::PrintParameters,
                    "-r" | "-p" | "--remap" | "--param" | "--params-file" => {
                        return Err(ArgumentsError::OutsideRos(argument))
                    }
                    other if other.contains(":=") => {
                        return Err(ArgumentsError::OutsideRos(argument))
                    }
                    _ => return Err(ArgumentsError::Unknown(argument)),
                }
                continue;
            }
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| ArgumentsError::NoValue(argument.clone()))
            };
            match argument.as_str() {
                "--ros-args" => {}
                "--" => for_ros = false,
                "-r" | "--remap" => {
                    let rule = value()?;
                    rcl.extend([argument, rule.clone()]);
                    remappings.push(rule);
                }
                "-p" | "--param" => given.push(parameter(&value()?)?),
                "--params-file" => given.push(Given::File(value()?.into())),
                "--log-level" => {
                    let level = value()?;
                    log_levels.push(LogLevel::parse(&level)?);
                    rcl.extend([argument, level]);
                }
                other => {
                    let known = PASSED_ON.iter().find(|(name, _)| *name == other);
                    let Some(&(_, values)) = known else {
                        return Err(ArgumentsError::UnknownRos(argument));
                    };
                    let value = (values > 0).then(value).transpose()?;
                    rcl.push(argument);
                    rcl.extend(value);
                }
            }
        }
        let node = full_name(NODE_NAME, &remappings)?;
        let mut overrides = Overrides::default();
        for each in given {
            match each {
                Given::File(path) => overrides.add_file(path, &node)?,
                Given::Parameter { name, value } => match name.rsplit_once(':') {
                    Some((section, name)) => {
                        overrides.add(name, value, &Source::section(section), &node);
                    }
                    None => overrides.add(&name, value, &Source::CommandLine, &node),
                },
            }
        }
        Ok(Self {
            task,
            node,
            overrides,
            log_levels,
            end_with_parent,
            rcl,
        })
    }

    /// The arguments for rclrs, with the one parameter that it reads by itself.
    #[must_use]
    pub fn for_rcl(&self, use_sim_time: bool) -> Vec<String> {
        let mut arguments = self.rcl.clone();
        arguments.extend(["-p".to_owned(), format!("use_sim_time:={use_sim_time}")]);
        arguments
    }
}

fn parameter(rule: &str) -> Result<Given, ArgumentsError> {
    let (name, value) = rule
        .split_once(":=")
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| ArgumentsError::Parameter(rule.to_owned()))?;
    let name = name.to_owned();
    match Yaml::parse(value) {
        Ok(value) => Ok(Given::Parameter { name, value }),
        Err(reason) => Err(ArgumentsError::Value { name, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, ArgumentsError> {
        let words = std::iter::once("bridge").chain(line.split_whitespace());
        Arguments::parse(words.map(str::to_owned))
    }

    #[test]
    fn rcl_gets_everything_but_parameters() {
        let arguments = parse(
            "--ros-args -r __ns:=/r2 -p room:=a --params-file /dev/null --log-level debug \
             --disable-rosout-logs --log-file-name x -- --ros-args -r /tf:=/other",
        );
        let arguments = arguments.unwrap();
        assert_eq!(
            arguments.for_rcl(true).join(" "),
            "bridge --ros-args -r __ns:=/r2 --log-level debug --disable-rosout-logs \
             --log-file-name x -r /tf:=/other -p use_sim_time:=true"
        );
        assert_eq!(arguments.node, "/r2/remote_access_bridge");
        assert_eq!(arguments.task, Task::Run);
    }

    #[test]
    fn what_is_asked_for_stands_anywhere() {
        assert_eq!(
            parse("--ros-args -p room:=a -- --help").unwrap().task,
            Task::Help
        );
        assert_eq!(parse("--version").unwrap().task, Task::Version);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, expected) in [
            ("--fly", "--fly"),
            ("-p room:=a", "--ros-args -r"),
            ("room:=a", "must follow --ros-args"),
            ("--ros-args --fly", "unknown ROS argument \"--fly\""),
            ("--ros-args room:=a", "unknown ROS argument"),
            ("--ros-args -p", "-p needs a value"),
            ("--ros-args -p room", "parameter:=value"),
            ("--ros-args -p :=x", "parameter:=value"),
            ("--ros-args -p room:=", "-p room: there is no value"),
            ("--ros-args -p room:=[", "-p room"),
            ("--ros-args -r room", "old:=new"),
            ("--ros-args --log-level loud", "loud"),
            ("--ros-args --params-file /nowhere.yaml", "/nowhere.yaml"),
            ("--ros-args --params-file /etc", "/etc"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
