//! Finds the addresses of names, for all connections of the process.
//!
//! The system's resolver blocks for as long as it waits for its name servers, many seconds where
//! there is no network. A few threads ask it, and exist only while there is something to ask; who
//! wants a name that is being looked up shares the answer.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use parking_lot::Mutex;

/// Threads at most. A name server that does not answer holds one up, and no other name with it.
const MAX_THREADS: usize = 3;

/// A host name and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Reason why a name has no addresses. All who wait for the name get it.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("no thread to look it up: {0}")]
    Thread(Arc<io::Error>),
    #[error("{0}")]
    System(Arc<io::Error>),
}

/// The addresses of a name, at most one of each family, or why there are none.
pub(crate) type Addresses = Result<Vec<SocketAddr>, ResolveError>;

/// Called with the answer, on a thread of the resolver. It must not block.
type Answer = Box<dyn FnOnce(Addresses) + Send>;

/// Look-up of a name by the system.
type LookUp = fn(&Name) -> Addresses;

struct Pool {
    resolve: LookUp,
    state: Mutex<Option<State>>,
}

#[derive(Default)]
struct State {
    /// Names that no thread has taken.
    queue: VecDeque<Name>,
    /// Callbacks that wait for each name, taken or not.
    waiting: HashMap<Name, Vec<Answer>>,
    threads: usize,
}

static POOL: Pool = Pool::new(resolve_by_system);

/// Looks a name up, or waits for the answer to who has asked before. `answer` is called with it.
pub(crate) fn look_up(name: Name, answer: impl FnOnce(Addresses) + Send + 'static) {
    POOL.look_up(name, Box::new(answer));
}

impl Pool {
    const fn new(resolve: LookUp) -> Self {
        Self {
            resolve,
            state: Mutex::new(None),
        }
    }

    fn look_up(&'static self, name: Name, answer: Answer) {
        let spawn = {
            let mut state = self.state.lock();
            let state = state.get_or_insert_default();
            if let Some(waiting) = state.waiting.get_mut(&name) {
                waiting.push(answer);
                return;
            }
            state.waiting.insert(name.clone(), vec![answer]);
            state.queue.push_back(name.clone());
            let spawn = state.threads < MAX_THREADS;
            state.threads += usize::from(spawn);
            spawn
        };
        if !spawn {
            return;
        }
        let thread = std::thread::Builder::new()
            .name("webrtc-dns".to_owned())
            .spawn(move || while self.answer_next() {});
        if let Err(error) = thread {
            self.give_up(&ResolveError::Thread(Arc::new(error)));
        }
    }

    /// Answers one name. Without one left the thread is over.
    fn answer_next(&self) -> bool {
        let name = {
            let mut state = self.state.lock();
            let state = state.get_or_insert_default();
            match state.queue.pop_front() {
                Some(name) => name,
                None => {
                    state.threads -= 1;
                    return false;
                }
            }
        };
        let addresses = (self.resolve)(&name);
        self.tell(&name, &addresses);
        true
    }

    fn tell(&self, name: &Name, addresses: &Addresses) {
        let waiting = {
            let mut state = self.state.lock();
            state.get_or_insert_default().waiting.remove(name)
        };
        for answer in waiting.unwrap_or_default() {
            answer(addresses.clone());
        }
    }

    /// There is no thread: without any other, nobody would ever answer.
    fn give_up(&self, error: &ResolveError) {
        let left = {
            let mut state = self.state.lock();
            let state = state.get_or_insert_default();
            state.threads -= 1;
            match state.threads {
                0 => std::mem::take(&mut state.queue),
                _ => VecDeque::new(),
            }
        };
        for name in left {
            self.tell(&name, &Err(error.clone()));
        }
    }
}

fn resolve_by_system(name: &Name) -> Addresses {
    (name.host.as_str(), name.port)
        .to_socket_addrs()
        .map_err(|error| ResolveError::System(Arc::new(error)))
        .map(one_of_each_family)
}

fn one_of_each_family(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut chosen: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !chosen.iter().any(|c| c.is_ipv4() == address.is_ipv4()) {
            chosen.push(address);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::sync::Barrier;

    use super::*;

    fn name(host: &str) -> Name {
        Name {
            host: host.to_owned(),
            port: 3478,
        }
    }

    #[test]
    fn look_ups_of_one_name_share_an_answer() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        static ALL_WAIT: Barrier = Barrier::new(2);
        static POOL: Pool = Pool::new(|_| {
            ASKED.fetch_add(1, Ordering::SeqCst);
            ALL_WAIT.wait();
            Ok(vec![SocketAddr::from(([192, 0, 2, 1], 3478))])
        });
        let (told, answers) = channel();
        for _ in 0..100 {
            let told = told.clone();
            POOL.look_up(
                name("turn.example"),
                Box::new(move |answer| told.send(answer).unwrap()),
            );
        }
        ALL_WAIT.wait();
        for _ in 0..100 {
            assert_eq!(answers.recv().unwrap().unwrap().len(), 1);
        }
        assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn threads_are_few_and_end() {
        static AT_WORK: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        static POOL: Pool = Pool::new(|_| {
            MOST.fetch_max(AT_WORK.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(1));
            AT_WORK.fetch_sub(1, Ordering::SeqCst);
            Err(ResolveError::System(Arc::new(
                io::ErrorKind::NotFound.into(),
            )))
        });
        let (told, answers) = channel();
        for index in 0..50 {
            let told = told.clone();
            POOL.look_up(
                name(&format!("host{index}")),
                Box::new(move |answer| told.send(answer).unwrap()),
            );
        }
        for _ in 0..50 {
            let answer = answers.recv().unwrap();
            assert!(matches!(answer, Err(ResolveError::System(_))), "{answer:?}");
        }
        assert!((1..=MAX_THREADS).contains(&MOST.load(Ordering::SeqCst)));
        while POOL
            .state
            .lock()
            .as_ref()
            .is_some_and(|state| state.threads > 0)
        {
            std::thread::yield_now();
        }
    }
}
