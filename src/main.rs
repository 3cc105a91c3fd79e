//! The node's executable, which `launcher.rs` starts.

mod check;

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use remote_access_bridge::bridge::{AuditTopic, Bridge, LiveRates};
use remote_access_bridge::config::{
    parameter_table, Arguments, Change, Config, ConfigError, Environment, LogLevel, Task, Tell,
};
use remote_access_bridge::driver::{Command, Driver, DriverHandle};
use remote_access_bridge::livekit::LiveKit;
use remote_access_bridge::metrics::MetricsServer;
use remote_access_bridge::orderly_end::{OrderlyEnd, LONGEST_END};
use remote_access_bridge::parent::end_with_parent;
use remote_access_bridge::ros::{Ros, RosLog};
use remote_access_protocol::{EMERGENCY_STOP_METADATA, TIMED_MESSAGES_METADATA, WHEEL_METADATA};
use remote_access_room::guard::{guard, GuardLimits};
use remote_access_room::{set_interface_filter, without_tokens, WithoutFalseErrors, DEFAULT_LOG};
use remote_access_session::{RobotInfo, Session};
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::oneshot;
use tracing::level_filters::LevelFilter;
use tracing::{info, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{reload, EnvFilter, Layer, Registry};

const HELP: &str = include_str!("help.txt");

/// Longest time for the end of tasks. Only the reading of a file or the look-up of a name may take long.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(100);

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
    if arguments.end_with_parent {
        end_with_parent().context("cannot end with the parent process")?;
    }
    let config = Config::read(&arguments.overrides, &Environment::read(), &arguments.node);
    if arguments.task == Task::Check {
        return runtime()?.block_on(check::check(config));
    }
    let config = config?;
    let log = start_logging(&arguments, config.log_level);
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

/// Logs of the node, and their filter.
struct Logging {
    /// ROS, once the node is there.
    ros: RosLog,
    /// A topic, if asked for.
    audit: AuditTopic,
    filter: reload::Handle<EnvFilter, Registry>,
    /// Filter of `RUST_LOG`, else of `--log-level`, for [`EnvFilter`].
    usual: String,
}

impl Logging {
    /// Logs what is of this level at least, or what is usual.
    fn set_level(&self, level: Option<LevelFilter>) {
        let filter = match level {
            // The SDK stays as quiet as ever unless RUST_LOG names it.
            Some(level) => format!("{DEFAULT_LOG},{level}"),
            None => self.usual.clone(),
        };
        // Only a filter that is gone cannot be changed.
        self.filter.reload(EnvFilter::new(filter)).ok();
    }
}

/// Logs what parameter `log_level` says, else `RUST_LOG`, else `--log-level`.
fn start_logging(arguments: &Arguments, level: Option<LevelFilter>) -> Logging {
    let asked = LogLevel::of_node(&arguments.log_levels, &arguments.node);
    let asked = asked.map_or_else(String::new, |level| format!(",{level}"));
    let usual = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let usual = usual.filter(|text| EnvFilter::try_new(text).is_ok() && !text.is_empty());
    let usual = usual.unwrap_or_else(|| format!("{DEFAULT_LOG}{asked}"));
    let (layer, filter) = reload::Layer::new(EnvFilter::new(&usual));
    let ros = RosLog::new(without_tokens);
    let audit = AuditTopic::default();
    tracing_subscriber::registry()
        .with(ros.clone().with_filter(layer))
        .with(audit.clone().with_filter(AuditTopic::filter()))
        .with(WithoutFalseErrors)
        .init();
    let logging = Logging {
        ros,
        audit,
        filter,
        usual,
    };
    logging.set_level(level);
    logging
}

async fn serve(
    arguments: Arguments,
    config: Config,
    log: Logging,
    runtime: tokio::runtime::Handle,
) -> anyhow::Result<()> {
    let end = OrderlyEnd::default();
    let stopped = stop_signal(end.clone())?;
    let starting = EndOnPanic::begin();
    end.waits_for("the start of the ROS node");
    let ros = Arc::new(
        Ros::start(arguments.for_rcl(config.simulated_time), runtime.clone())
            .context("cannot start the ROS node")?,
    );
    drop(starting);
    log.ros.attach(&ros);
    if config.audit_topic {
        log.audit.start(&ros, &runtime)?;
    }
    ros.set_qos_policy(config.qos);
    let robot = RobotInfo {
        name: config.name,
        metadata: metadata(&config.emergency_stop),
        session_id: format!("{:016x}", rand::random::<u64>()),
        simulated_time: ros.uses_sim_time(),
    };
    set_interface_filter(config.interfaces.into_filter());
    let limits = GuardLimits::of_viewers(
        config.session.max_inbound_streams,
        config.session.inbound_rate,
    );
    guard(limits, config.endpoint.encryption.as_ref());
    let clock = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let session = Session::new(config.session, robot, Instant::now(), u64::try_from(clock)?);
    let (driver, handle, changed) =
        Driver::new(session, LiveKit::new(config.endpoint, config.access));
    let log_of_node = log.ros.clone();
    let mut parameters = ros.parameters();
    let tell = change(&handle, &config.robot.rates, log);
    Config::declare(&arguments.overrides, &mut parameters, &tell)?;
    let metrics = config.metrics.map(|address| {
        MetricsServer::start(address, handle.reports(), &runtime).with_context(|| {
            format!("cannot serve metrics at {address} (parameter metrics_address)")
        })
    });
    let metrics = metrics.transpose()?;
    let bridge = Bridge::start(Arc::clone(&ros), handle, changed, config.robot, runtime)?;
    end.waits_for("the connection to the room");
    // A signal, or the end of the task that waits for one.
    let stop = async { stopped.await.unwrap_or_default() };
    // On the worker, not on this thread.
    let driven = tokio::spawn(driver.run(stop)).await;
    end.waits_for("what viewers asked the robot for");
    drop(metrics);
    drop(bridge);
    end.waits_for("the end of the ROS node");
    drop(parameters);
    log_of_node.detach();
    drop(ros);
    end.waits_for("the ROS libraries");
    driven.context("the driver panicked")
}

/// Gets a word at SIGINT or SIGTERM, from when on the process has so much time for its end.
fn stop_signal(end: OrderlyEnd) -> anyhow::Result<oneshot::Receiver<()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("stopping");
        if let Err(error) = end.begin(LONGEST_END) {
            warn!("nothing watches over the end: {error}");
        }
        // Fails only if the node has failed and is about to end.
        stop.send(()).ok();
    });
    Ok(stopped)
}

/// Carries out the changes of parameters.
fn change(driver: &DriverHandle, rates: &LiveRates, log: Logging) -> Tell {
    let (commands, rates) = (driver.commands.clone(), rates.clone());
    Arc::new(move |change| {
        let command = match change {
            Change::UplinkRate(rate) => Command::UplinkRate(rate),
            Change::ViewerRate(rate) => Command::ViewerRate(rate),
            Change::MessageRates(new) => return rates.change(|rates| rates.messages = new),
            Change::ByteRates(new) => return rates.change(|rates| rates.bytes = new),
            Change::LogLevel(level) => return log.set_level(level),
        };
        // The driver takes commands at once; it is gone only at the end.
        commands.send(command).ok();
    })
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
    metadata.insert(WHEEL_METADATA.to_owned(), "true".to_owned());
    if !emergency_stop.is_empty() {
        metadata.insert(
            EMERGENCY_STOP_METADATA.to_owned(),
            emergency_stop.to_owned(),
        );
    }
    metadata
}
