//! The node's executable.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use remote_access_bridge::bridge::Bridge;
use remote_access_bridge::config::{Config, Environment, PARAMETERS};
use remote_access_bridge::driver::Driver;
use remote_access_bridge::livekit::LiveKit;
use remote_access_bridge::metrics::MetricsServer;
use remote_access_bridge::ros::Ros;
use remote_access_protocol::{EMERGENCY_STOP_METADATA, TIMED_MESSAGES_METADATA};
use remote_access_room::DEFAULT_LOG;
use remote_access_session::{RobotInfo, Session};
use tokio::signal::unix::{signal, SignalKind};
use tracing::info;
use tracing_subscriber::EnvFilter;

const HELP: &str = "\
Remote access to this robot with Foxglove tools, through a LiveKit server.

Usage: remote_access_bridge [OPTIONS] [--ros-args ...]

Options:
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

Examples:
  LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=... \\
    remote_access_bridge --ros-args -p room:=robot1 -p topic_whitelist:=\"['/camera/.*', '/tf']\"
  LIVEKIT_URL=wss://example.com LIVEKIT_TOKEN=... remote_access_bridge
";

/// Longest time for the end of tasks. Only the reading of a file may take long.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("remote_access_bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let first = std::env::args().nth(1);
    match first.as_deref() {
        None | Some("--ros-args") => {}
        Some("--help" | "-h") => {
            print!("{HELP}");
            return Ok(());
        }
        Some("--version" | "-V") => {
            println!("remote_access_bridge {}", env!("CARGO_PKG_VERSION"));
            return Ok(());
        }
        Some("--print-parameters") => {
            println!("{}", serde_json::to_string_pretty(PARAMETERS)?);
            return Ok(());
        }
        Some(other) => anyhow::bail!("unknown argument {other:?}, see --help"),
    }
    start_logging();
    // One worker: what is sent passes from task to task, which would wake another thread each time.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(serve(runtime.handle().clone()));
    // What is left of tasks holds entities of ROS, which must be gone before the process ends: the
    // middleware's own clean-up takes them away from under a thread that still has them.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    result
}

fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

async fn serve(runtime: tokio::runtime::Handle) -> anyhow::Result<()> {
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
        Ros::start(std::env::args(), runtime.clone()).context("cannot start the ROS node")?,
    );
    drop(starting);
    let mut parameters = ros.parameters();
    let config = Config::read(&mut parameters, &Environment::read())?;
    ros.set_qos_policy(config.qos);
    let robot = RobotInfo {
        name: config.name,
        metadata: metadata(&config.emergency_stop),
        session_id: format!("{:016x}", rand::random::<u64>()),
        simulated_time: ros.uses_sim_time(),
    };
    let clock = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let session = Session::new(config.session, robot, Instant::now(), u64::try_from(clock)?);
    let (driver, handle, changed) = Driver::new(session, LiveKit::new(config.endpoint));
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
    drop(ros);
    driven.context("the driver panicked")
}

/// While it lives, a panic of any thread ends the process.
///
/// rclrs 0.8 panics at a parameter that is an empty list and holds a lock that unwinding waits for:
/// the process would hang, deaf to signals.
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
            eprintln!(
                "remote_access_bridge: cannot start the ROS node. If a parameter is an empty list ([]), also one \
                 under /** in a parameter file, write [''] instead. rclrs says: {}",
                reason.lines().next().unwrap_or_default().trim()
            );
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
