//! A small internet of network namespaces: hosts `a` and `b`, a TURN server on `t`, and a router
//! between them that can translate, block and unplug. IPv4 addresses are 198.18.N.2, IPv6
//! addresses 2001:db8:N::2, with N = 1 for a, 2 for b, 3 for t.
#![allow(dead_code)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Lab {
    prefix: String,
    turn: Option<Child>,
    directory: PathBuf,
}

impl Lab {
    /// Builds the namespaces. `None`, said loudly, if this machine cannot.
    pub(crate) fn new() -> Option<Self> {
        static LACK: OnceLock<Option<String>> = OnceLock::new();
        if let Some(lack) = LACK.get_or_init(lack) {
            // Past the capture of the test runner.
            let message = format!("SKIPPED, not tested: {lack}\n");
            let _ = std::io::stderr().write_all(message.as_bytes());
            return None;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("webrtc{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(&prefix);
        std::fs::create_dir_all(&directory).unwrap();
        let lab = Self {
            prefix,
            turn: None,
            directory,
        };
        for host in ["net", "a", "b", "t"] {
            run(Command::new("ip").args(["netns", "add", &lab.namespace(host)]));
            lab.on(host, "ip link set lo up");
        }
        for (number, host) in [(1, "a"), (2, "b"), (3, "t")] {
            lab.plug(host, "eth0", &format!("to-{host}"), number);
        }
        for key in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
            lab.on("net", &format!("sysctl -qw {key}"));
        }
        Some(lab)
    }

    /// Connects a host to the router with a link of its own.
    pub(crate) fn plug(&self, host: &str, device: &str, port: &str, number: u32) {
        let (inside, outside) = (self.namespace(host), self.namespace("net"));
        let link = [
            "link", "add", device, "netns", &inside, "type", "veth", "peer", "name", port, "netns",
            &outside,
        ];
        run(Command::new("ip").args(link));
        for (host, device, last) in [("net", port, 1), (host, device, 2)] {
            self.on(
                host,
                &format!("ip addr add 198.18.{number}.{last}/24 dev {device}"),
            );
            self.on(
                host,
                &format!("ip addr add 2001:db8:{number}::{last}/64 dev {device} nodad"),
            );
            self.on(host, &format!("ip link set {device} up"));
        }
        self.on(
            host,
            &format!("ip route replace default via 198.18.{number}.1 dev {device}"),
        );
        self.on(
            host,
            &format!("ip -6 route replace default via 2001:db8:{number}::1 dev {device}"),
        );
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.prefix)
    }

    /// Runs a command line on a host.
    pub(crate) fn on(&self, host: &str, line: &str) {
        run(self.command(host, "sh").args(["-c", line]));
    }

    /// A command that will run on a host.
    pub(crate) fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host), program]);
        command
    }

    /// The router drops what one host sends to another, and back, of both IP versions.
    pub(crate) fn part(&self, one: u32, other: u32) {
        for (from, to) in [(one, other), (other, one)] {
            let ipv4 = format!("-s 198.18.{from}.0/24 -d 198.18.{to}.0/24 -j DROP");
            let ipv6 = format!("-s 2001:db8:{from}::/64 -d 2001:db8:{to}::/64 -j DROP");
            self.on("net", &format!("iptables -A FORWARD {ipv4}"));
            self.on("net", &format!("ip6tables -A FORWARD {ipv6}"));
        }
    }

    /// Starts the TURN server on `t`: UDP and TCP at port 3478, TLS at 5349; user `u`, password `p`.
    pub(crate) fn start_turn(&mut self) {
        let file = |name: &str| self.directory.join(name).display().to_string();
        let (key, certificate) = (file("key.pem"), self.certificate());
        let subject = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=turn.test",
            "-addext",
            "subjectAltName=IP:198.18.3.2",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ];
        run(Command::new("openssl").args(subject).stderr(Stdio::null()));
        let log = std::fs::File::create(file("turn.log")).unwrap();
        let server = self
            .command("t", "turnserver")
            .args([
                "-n",
                "--no-cli",
                "--verbose",
                "--lt-cred-mech",
                "--user=u:p",
                "--realm=test",
            ])
            .args(["--listening-ip=198.18.3.2", "--listening-ip=2001:db8:3::2"])
            .args(["--relay-ip=198.18.3.2", "--relay-ip=2001:db8:3::2"])
            .args([format!("--cert={certificate}"), format!("--pkey={key}")])
            .args([
                format!("--pidfile={}", file("pid")),
                "--log-file=stdout".to_owned(),
            ])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.turn = Some(server);
        let started = Instant::now();
        loop {
            let sockets = self
                .command("t", "cat")
                .arg("/proc/net/tcp")
                .output()
                .unwrap();
            let sockets = String::from_utf8_lossy(&sockets.stdout).into_owned();
            // 3478 and 5349, listening.
            if [":0D96 00000000:0000 0A", ":14E5 00000000:0000 0A"]
                .iter()
                .all(|s| sockets.contains(s))
            {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "the TURN server does not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the TURN server, as a crash would.
    pub(crate) fn stop_turn(&mut self) {
        if let Some(mut turn) = self.turn.take() {
            let _ = turn.kill();
            let _ = turn.wait();
        }
    }

    /// The certificate of the TURN server.
    pub(crate) fn certificate(&self) -> String {
        self.directory.join("cert.pem").display().to_string()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop_turn();
        for host in ["a", "b", "t", "net"] {
            let _ = Command::new("ip")
                .args(["netns", "del", &self.namespace(host)])
                .status();
        }
        if std::env::var_os("KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(|s| s.success()),
        "{command:?}: {status:?}"
    );
}

/// Missing means of this machine.
fn lack() -> Option<String> {
    for (program, argument) in [
        ("ip", "-V"),
        ("iptables", "-V"),
        ("turnserver", "--version"),
        ("openssl", "version"),
    ] {
        let found = Command::new(program)
            .arg(argument)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if found.is_err() {
            return Some(format!("{program} is not installed"));
        }
    }
    let name = format!("webrtc{}-try", std::process::id());
    let made = Command::new("ip")
        .args(["netns", "add", &name])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return Some("network namespaces need root".to_owned());
    }
    let _ = Command::new("ip").args(["netns", "del", &name]).status();
    None
}
