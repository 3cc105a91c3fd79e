//! Makes access tokens, and links to the page, for viewers and robots.

use std::io::Write;
use std::process::ExitCode;

use remote_access_viewer::token::{Command, Environment, HELP};

/// Exit code for a command line or an environment that is wrong: EX_CONFIG of sysexits.h.
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let command = Command::parse(std::env::args_os().skip(1), &Environment::read());
    let made = command.and_then(|command| match command {
        Command::Help => Ok(HELP.to_owned()),
        Command::Version => Ok(format!(
            "remote_access_token {}\n",
            env!("CARGO_PKG_VERSION")
        )),
        Command::Make(order) => {
            let made = order.make()?;
            // For the eyes: the link alone is what a script wants.
            writeln!(std::io::stderr(), "{}", made.summary).ok();
            Ok(format!("{}\n", made.output))
        }
    });
    match made {
        // That nobody reads it, as with `| head`, is no error.
        Ok(text) => {
            std::io::stdout().write_all(text.as_bytes()).ok();
            ExitCode::SUCCESS
        }
        Err(error) => {
            writeln!(std::io::stderr(), "remote_access_token: {error}").ok();
            ExitCode::from(EX_CONFIG)
        }
    }
}
