//! Compares SCTP engines over a simulated link and prints a Markdown table.
//!
//! `cargo run --release -- [--engine NAMES] [--case NAMES] [--wait MS] [--feed BYTES] [--seeds COUNT] [--list]`

mod dcsctp;
mod sctp_proto;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use link_sim::{Endpoint, Report, Scenario};

/// A comparison.
#[derive(Debug, Clone, Copy)]
enum Engine {
    /// The project's association: the longest wait for a timer, and the bytes it is fed.
    Association {
        wait: Duration,
        feed: usize,
    },
    /// The crate below it, fed all that it takes, without anything that is added.
    RtcSctp,
    SctpProto,
    Dcsctp,
}

impl Engine {
    fn make(self, client: bool, now: Instant) -> Box<dyn Endpoint> {
        match self {
            Self::Association { wait, feed } => {
                Box::new(link_sim::Association::new(client, wait, feed, now))
            }
            Self::RtcSctp => Box::new(link_sim::Association::alone(client, now)),
            Self::SctpProto => Box::new(sctp_proto::SctpProto::new(client, now)),
            Self::Dcsctp => Box::new(dcsctp::Dcsctp::new(client, now)),
        }
    }
}

struct Options {
    engines: Vec<String>,
    cases: Vec<String>,
    waits: Vec<u64>,
    feeds: Vec<usize>,
    seeds: u64,
}

impl Options {
    /// The engines with the names that the table gives them.
    fn engines(&self) -> Vec<(String, Engine)> {
        let mut engines = Vec::new();
        for name in &self.engines {
            match name.as_str() {
                "here" => {
                    for &wait in &self.waits {
                        for &feed in &self.feeds {
                            let mut title = "here".to_owned();
                            if self.waits.len() > 1 {
                                title += &format!(", waits {wait} ms");
                            }
                            if self.feeds.len() > 1 {
                                title += &format!(", fed {feed} B");
                            }
                            let wait = Duration::from_millis(wait);
                            engines.push((title, Engine::Association { wait, feed }));
                        }
                    }
                }
                "rtc-sctp" => engines.push((name.clone(), Engine::RtcSctp)),
                "sctp-proto" => engines.push((name.clone(), Engine::SctpProto)),
                "dcsctp" => engines.push((name.clone(), Engine::Dcsctp)),
                _ => fail(&format!("there is no engine {name}")),
            }
        }
        engines
    }
}

/// One line of the table.
struct Job<'a> {
    scenario: &'a Scenario,
    title: String,
    engine: Engine,
}

/// Results of the runs of a job with each seed, and the seconds of CPU that each took.
type Results = Vec<(Report, f64)>;

fn main() {
    let options = parse(std::env::args().skip(1).collect());
    let scenarios = link_sim::all();
    if let Some(name) = options
        .cases
        .iter()
        .find(|name| !scenarios.iter().any(|s| s.name == **name))
    {
        fail(&format!("there is no case {name}"));
    }
    let engines = options.engines();
    let mut jobs = Vec::new();
    for scenario in &scenarios {
        if options.cases.is_empty() || options.cases.iter().any(|name| name == scenario.name) {
            for (title, engine) in &engines {
                jobs.push(Job {
                    scenario,
                    title: title.clone(),
                    engine: *engine,
                });
            }
        }
    }
    let results = play(&jobs, options.seeds);
    println!("| link | engine | goodput, Mbit/s | longest stall, s | after an outage, s | small message, ms, p50 / p99 | bytes on the wire | CPU, s/GB |");
    println!("|---|---|---|---|---|---|---|---|");
    for (job, results) in jobs.iter().zip(results) {
        println!(
            "| {} | {} | {} |",
            job.scenario.title,
            job.title,
            line(&results)
        );
    }
}

fn fail(message: &str) -> ! {
    eprintln!("{message}; --list names all");
    std::process::exit(2);
}

fn parse(arguments: Vec<String>) -> Options {
    let mut options = Options {
        engines: ["here", "rtc-sctp", "sctp-proto", "dcsctp"]
            .map(str::to_owned)
            .to_vec(),
        cases: Vec::new(),
        waits: vec![sctp_association::LONGEST_WAIT.as_millis() as u64],
        feeds: vec![sctp_association::UNSENT],
        seeds: 3,
    };
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        if name == "--list" {
            for scenario in link_sim::all() {
                println!("--case {:10} {}", scenario.name, scenario.title);
            }
            println!("--engine here,rtc-sctp,sctp-proto,dcsctp");
            std::process::exit(0);
        }
        let value = arguments.next().unwrap_or_default();
        let list = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
        let numbers: Option<Vec<u64>> = value.split(',').map(|n| n.parse().ok()).collect();
        match (name.as_str(), numbers) {
            ("--engine", _) => options.engines = list(),
            ("--case", _) => options.cases = list(),
            ("--wait", Some(numbers)) => options.waits = numbers,
            ("--feed", Some(numbers)) => {
                options.feeds = numbers.iter().map(|n| *n as usize).collect()
            }
            ("--seeds", Some(numbers)) => options.seeds = numbers[0].max(1),
            _ => fail(&format!("unknown option or value: {name} {value}")),
        }
    }
    options
}

/// Plays all jobs, on as many threads as there are cores.
fn play(jobs: &[Job], seeds: u64) -> Vec<Results> {
    let results: Vec<_> = jobs.iter().map(|_| Mutex::new(Results::new())).collect();
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(index) else { return };
                for seed in 1..=seeds {
                    let start = Instant::now();
                    let before = cpu();
                    let ends = [true, false].map(|client| job.engine.make(client, start));
                    let report = link_sim::run(job.scenario, ends, start, seed);
                    let outcome = (report, cpu() - before);
                    results[index]
                        .lock()
                        .unwrap_or_else(|e| e.into_inner())
                        .push(outcome);
                }
            });
        }
    });
    results
        .into_iter()
        .map(|results| results.into_inner().unwrap_or_else(|e| e.into_inner()))
        .collect()
}

/// Seconds of CPU that this thread has used.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) * 1e-9
}

fn line(results: &Results) -> String {
    let mean = |figure: &dyn Fn(&(Report, f64)) -> f64| {
        results.iter().map(figure).sum::<f64>() / results.len() as f64
    };
    let milliseconds =
        |share: f64| move |(report, _): &(Report, f64)| 1e3 * report.small_age(share).as_secs_f64();
    let died = results
        .iter()
        .filter(|(report, _)| report.died.is_some())
        .count();
    let recovery = |(report, _): &(Report, f64)| match report.recovery {
        Some(recovery) => recovery.as_secs_f64(),
        None => f64::NAN,
    };
    let has_small = results
        .iter()
        .any(|(report, _)| !report.small_ages.is_empty());
    format!(
        "{:.2}{} | {:.2} | {} | {} | {:.2} | {:.1}",
        mean(&|(report, _)| report.goodput()),
        if died > 0 { " (died)" } else { "" },
        mean(&|(report, _)| report.longest_stall.as_secs_f64()),
        match mean(&recovery) {
            recovery if recovery.is_nan() => "–".to_owned(),
            recovery => format!("{recovery:.2}"),
        },
        match has_small {
            true => format!(
                "{:.0} / {:.0}",
                mean(&milliseconds(0.5)),
                mean(&milliseconds(0.99))
            ),
            false => "–".to_owned(),
        },
        mean(&|(report, _)| report.cost()),
        mean(&|(report, cpu)| cpu / (report.bulk_bytes as f64 / 1e9)),
    )
}
