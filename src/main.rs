//! The node's executable.

mod check;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use remote_access_bridge::bridge::Bridge;
use remote_access_bridge::config::{
    parameter_table, Arguments, Config, ConfigError, Environment, LogLevel, Task,
};
use remote_access_bridge::driver::Driver;
use remote_access_bridge::livekit::LiveKit;
use remote_access_bridge::metrics::MetricsServer;
use remote_access_bridge::ros::{Ros, RosLog};
use remote_access_protocol::{EMERGENCY_STOP_METADATA, TIMED_MESSAGES_METADATA};
use remote_access_room::guard::{guard, GuardLimits};
use remote_access_room::DEFAULT_LOG;
use remote_access_session::{RobotInfo, Session};
use tokio::signal::unix::{signal, SignalKind};
use tracing::{info, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::EnvFilter;

const HELP: &str = "\
Remote access to this robot with Foxglove tools, through a LiveKit server.

Usage: remote_access_bridge [OPTIONS] [--ros-args ...]

Options:
  --check             Look at ROS, the parameters, the LiveKit server, the token, the clock and the
                      way of the data, say what is wrong, and exit (0: all is well)
  --print-parameters  Print all parameters as JSON and exit
  --version           Print the version and exit
  --help              Print this help and exit

Environment:
  LIVEKIT_URL         URL of the LiveKit server (default ws://localhost:7880)
  LIVEKIT_TOKEN       Access token of the robot, or:
  LIVEKIT_TOKEN_FILE  File with it, read for each connection, or:
  LIVEKIT_TOKEN_ENDPOINT, LIVEKIT_TOKEN_ENDPOINT_KEY
                      URL of a LiveKit token endpoint and the key that it asks for, or:
  LIVEKIT_API_KEY     API key and
  LIVEKIT_API_SECRET  its secret: the node makes its own tokens for parameter `room`
  RUST_LOG            What to log, for example debug or remote_access_bridge=trace

Exit codes: 78 if arguments, parameters or environment are wrong, so that starting again does not
help; 1 after any other failure.

Examples:
  LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=... \\
    remote_access_bridge --ros-args -p room:=robot1 -p topic_whitelist:=\"['/camera/.*', '/tf']\"
  LIVEKIT_URL=wss://example.com LIVEKIT_TOKEN=... remote_access_bridge
";

/// Longest time for the end of tasks. Only the reading of a file may take long.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Exit code for a configuration that is wrong, which starting again does not cure: EX_CONFIG of
/// sysexits.h.
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done about an output that is gone.
            writeln!(std::io::stderr(), "remote_access_bridge: {error:#}").ok();
            if error.chain().any(|cause| cause.is::<ConfigError>()) {
                ExitCode::from(EX_CONFIG)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let arguments = Arguments::parse(arguments).map_err(ConfigError::from)?;
    match arguments.task {
        Task::Run | Task::Check => {}
        Task::Help => return print(HELP),
        Task::Version => {
            return print(&format!(
                "remote_access_bridge {}\n",
                env!("CARGO_PKG_VERSION")
            ))
        }
        Task::PrintParameters => {
            let table = serde_json::to_string_pretty(&parameter_table())?;
            return print(&format!("{table}\n"));
        }
    }
    let config = Config::read(&arguments.overrides, &Environment::read(), &arguments.node);
    if arguments.task == Task::Check {
        return runtime()?.block_on(check::check(config));
    }
    let config = config?;
    let log = start_logging(&arguments);
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let runtime = runtime()?;
    let result = runtime.block_on(serve(arguments, config, log, runtime.handle().clone()));
    // What is left of tasks holds entities of ROS, which must be gone before the process ends: the
    // middleware's own clean-up takes them away from under a thread that still has them.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    result
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // One worker: what is sent passes from task to task, which would wake another thread each time.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// Prints a text. A reader that has enough of it, such as `head`, is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Logs what `RUST_LOG` says, else `--log-level`, through ROS once the node is there.
fn start_logging(arguments: &Arguments) -> RosLog {
    let level = LogLevel::of_node(&arguments.log_levels, &arguments.node);
    let asked = level.map_or_else(String::new, |level| format!(",{level}"));
    // The SDK stays as quiet as ever unless RUST_LOG names it.
    let usual = || EnvFilter::new(format!("{DEFAULT_LOG}{asked}"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let log = RosLog::default();
    tracing_subscriber::registry()
        .with(filter)
        .with(log.clone())
        .init();
    log
}

async fn serve(
    arguments: Arguments,
    config: Config,
    log: RosLog,
    runtime: tokio::runtime::Handle,
) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("stopping");
    };

    let starting = EndOnPanic::begin();
    let ros = Arc::new(
        Ros::start(arguments.for_rcl(config.simulated_time), runtime.clone())
            .context("cannot start the ROS node")?,
    );
    drop(starting);
    log.attach(ros.node())?;
    let mut parameters = ros.parameters();
    Config::declare(&arguments.overrides, &mut parameters)?;
    ros.set_qos_policy(config.qos);
    let robot = RobotInfo {
        name: config.name,
        metadata: metadata(&config.emergency_stop),
        session_id: format!("{:016x}", rand::random::<u64>()),
        simulated_time: ros.uses_sim_time(),
    };
    guard(GuardLimits::of_viewers(
        config.session.max_inbound_streams,
        config.session.inbound_rate,
    ));
    let clock = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let session = Session::new(config.session, robot, Instant::now(), u64::try_from(clock)?);
    let (driver, handle, changed) =
        Driver::new(session, LiveKit::new(config.endpoint, config.access));
    let metrics = config.metrics.map(|address| {
        MetricsServer::start(address, handle.reports(), &runtime).with_context(|| {
            format!("cannot serve metrics at {address} (parameter metrics_address)")
        })
    });
    let metrics = metrics.transpose()?;
    let bridge = Bridge::start(Arc::clone(&ros), handle, changed, config.robot, runtime)?;
    // On the worker, not on this thread.
    let driven = tokio::spawn(driver.run(stop)).await;
    drop(metrics);
    drop(bridge);
    drop(parameters);
    log.detach();
    drop(ros);
    driven.context("the driver panicked")
}

/// While it lives, a panic of any thread ends the process.
///
/// rclrs 0.8 may panic while it holds a lock that unwinding waits for: the process would hang, deaf
/// to signals.
struct EndOnPanic;

impl EndOnPanic {
    fn begin() -> Self {
        std::panic::set_hook(Box::new(|panic| {
            let payload = panic.payload();
            let reason = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            let reason = reason.lines().next().unwrap_or_default().trim();
            eprintln!("remote_access_bridge: cannot start the ROS node; rclrs says: {reason}");
            // Nothing is unwound, which would wait for the lock.
            std::process::exit(1);
        }));
        Self
    }
}

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        // The hook that was there before, the standard one.
        drop(std::panic::take_hook());
    }
}

fn metadata(emergency_stop: &str) -> BTreeMap<String, String> {
    let distribution = std::env::var("ROS_DISTRO").ok();
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut metadata = BTreeMap::from([("remote_access_bridge".to_owned(), version)]);
    metadata.extend(distribution.map(|name| ("ROS_DISTRO".to_owned(), name)));
    metadata.insert(TIMED_MESSAGES_METADATA.to_owned(), "true".to_owned());
    if !emergency_stop.is_empty() {
        metadata.insert(
            EMERGENCY_STOP_METADATA.to_owned(),
            emergency_stop.to_owned(),
        );
    }
    metadata
}
