//! The viewer gateway.

use std::io::{IsTerminal, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use remote_access_room::guard::{guard, GuardLimits};
use remote_access_room::{
    set_interface_filter, without_tokens, Finding, UplinkOptions, WithoutFalseErrors, DEFAULT_LOG,
};
use remote_access_viewer::hub::Hub;
use remote_access_viewer::options::{Command, Environment, Options, OptionsError, HELP};
use remote_access_viewer::record::Recording;
use remote_access_viewer::web::{Access, Server, Site};
use remote_access_viewer::{room, web};
use tokio::net::TcpListener;
use tokio::signal::unix::{signal, SignalKind};
use tracing::info;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::EnvFilter;

/// Exit code for a command line or an environment that is wrong, which starting again does not cure:
/// EX_CONFIG of sysexits.h.
const EX_CONFIG: u8 = 78;
/// Longest time for the connections to end.
const END_TIMEOUT: Duration = Duration::from_secs(1);
/// Time between two looks at whether they have ended.
const END_POLL: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to be done about an output that is gone.
            writeln!(std::io::stderr(), "remote_access_viewer: {error:#}").ok();
            if error.is::<OptionsError>() {
                ExitCode::from(EX_CONFIG)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run() -> anyhow::Result<()> {
    let (options, check) = match Command::parse(std::env::args_os().skip(1), Environment::read())? {
        Command::Help => {
            print(HELP);
            return Ok(());
        }
        Command::Version => {
            print(&format!(
                "remote_access_viewer {}\n",
                env!("CARGO_PKG_VERSION")
            ));
            return Ok(());
        }
        Command::Check(options) => (options, true),
        Command::Run(options) => (options, false),
    };
    if !check {
        start_logging(options.log.as_deref())?;
    }
    set_interface_filter(options.interface_filter());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        if check {
            tell(&remote_access_room::check(&options.endpoint).await)
        } else {
            serve(*options).await
        }
    });
    runtime.shutdown_background();
    result
}

/// Prints a text. That nobody reads it, as with `| head`, is no reason to end.
fn print(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

/// Prints what was found; an error if something is wrong.
fn tell(findings: &[Finding]) -> anyhow::Result<()> {
    for finding in findings {
        print(&format!("{finding}\n"));
    }
    let wrong = findings.iter().filter(|each| each.is_wrong()).count();
    anyhow::ensure!(wrong == 0, "{wrong} of these are wrong");
    Ok(())
}

fn start_logging(asked: Option<&str>) -> anyhow::Result<()> {
    let filter = match asked {
        // The SDK stays as quiet as ever unless it is named.
        Some(asked) => EnvFilter::try_new(format!("{DEFAULT_LOG},{asked}"))
            .with_context(|| format!("--log {asked:?} cannot be understood"))?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG)),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| CleanStderr)
        .with_ansi(std::io::stderr().is_terminal())
        .finish()
        .with(WithoutFalseErrors)
        .init();
    Ok(())
}

/// Standard error for the log: shows no tokens. That nobody reads it is no reason to end, as `fmt` would
/// by telling of it there.
struct CleanStderr;

impl Write for CleanStderr {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        std::io::stderr()
            .write_all(without_tokens(&text).as_bytes())
            .ok();
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

async fn serve(options: Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("stopping");
    };

    let address = SocketAddr::from((options.host, options.port));
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; if another program does, choose another --port")
    })?;
    let address = listener.local_addr()?;
    let recording = options
        .record
        .as_deref()
        .map(Recording::create)
        .transpose()?;
    let recorder = recording.as_ref().map(Recording::recorder);
    let hub = Arc::new(Hub::new(&options.room, options.watch, recorder));
    let authority = authority(address);
    let server = Server {
        hub: Arc::clone(&hub),
        access: Access::new(address.ip(), options.origins),
        site: Site {
            url: options.endpoint.url.clone(),
            tokens: options.page_tokens,
            robot: options.robot.clone(),
            websocket: format!("ws://{authority}"),
            key: options.endpoint.encryption.clone(),
        },
    };
    print(&format!(
        "Foxglove WebSocket: ws://{authority}\npage: http://{authority}/\n"
    ));

    let serving = tokio::spawn(web::serve(server, listener, std::future::pending()));
    let uplink = UplinkOptions {
        rotate_bytes: options.stream_rotate_bytes,
        ..UplinkOptions::default()
    };
    guard(GuardLimits::OF_ROBOTS, options.endpoint.encryption.as_ref());
    room::run(
        options.endpoint,
        options.robot,
        uplink,
        Arc::clone(&hub),
        stop,
    )
    .await;
    serving.abort();
    if let Some(recording) = recording {
        let finish = tokio::task::spawn_blocking(move || recording.finish());
        finish.await.context("the recording did not finish")??;
    }
    hub.close_clients();
    let ended = async {
        while hub.has_clients() {
            tokio::time::sleep(END_POLL).await;
        }
    };
    // Clients that do not hear of the end are left to it.
    tokio::time::timeout(END_TIMEOUT, ended).await.ok();
    Ok(())
}

/// The address for people on this machine.
fn authority(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_unspecified() => {
            format!("localhost:{}", address.port())
        }
        IpAddr::V6(ip) if ip.is_unspecified() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    }
}
