//! Tests that run in a network namespace of their own, which needs root.

use std::io::Write;
use std::process::Command;

const INSIDE: &str = "WEBRTC_CHANNELS_IN_NAMESPACE";

/// Runs a test of a module again, alone, in a new namespace that the shell line `prepare` has made
/// ready. Says loudly if this machine has none.
pub(super) fn in_namespace(module: &str, name: &str, prepare: &str, test: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let can = |line: &str| {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", line]);
        command.output().is_ok_and(|output| output.status.success())
    };
    if !can(prepare) {
        // Past the capture of the test runner.
        let message = format!("SKIPPED, not tested: {name}: needs root, unshare, ip and tc\n");
        let _ = std::io::stderr().write_all(message.as_bytes());
        return;
    }
    let (_, module) = module.split_once("::").unwrap();
    let outcome = Command::new("unshare")
        .args(["--net", "sh", "-c"])
        .arg(format!("{prepare} && exec \"$0\" \"$@\""))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{name}")])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success(), "{output}");
    assert!(output.contains("1 passed"), "it did not run: {output}");
}
