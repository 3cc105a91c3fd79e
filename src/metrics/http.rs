//! HTTP for scrapers.
//!
//! The cost of clients is bounded: each connection gets one answer in a short time, the oldest
//! connection makes room for a new one, so that idle ones never keep a scraper out, and the
//! session is looked at twice a second at most.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tracing::debug;

use super::text;
use crate::driver::ReportSource;

/// Connections that may be open at once.
const MAX_CONNECTIONS: usize = 16;
/// Longest life of a connection, from its start to the last byte of the answer.
const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// Longest time for the head of a request.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// Largest head of a request in bytes; hyper takes no less than 8 KiB.
const MAX_HEAD: usize = 8192;
/// Time before the next connection after the system refused one, for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Answers within this time are the same.
const FRESH: Duration = Duration::from_millis(500);

/// OpenMetrics, which every Prometheus since 2.5 reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// The metrics, made anew when they are asked for and no longer fresh.
struct Page {
    reports: ReportSource,
    last: Mutex<Option<(Instant, Bytes)>>,
}

impl Page {
    /// `None` if the session has ended.
    async fn text(&self) -> Option<Bytes> {
        let mut last = self.last.lock().await;
        if let Some((made, text)) = &*last {
            if made.elapsed() < FRESH {
                return Some(text.clone());
            }
        }
        let report = self.reports.get().await?;
        let text = Bytes::from(text::encode(report));
        *last = Some((Instant::now(), text.clone()));
        Some(text)
    }
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, reports: ReportSource) -> std::io::Result<()> {
    let page = Arc::new(Page {
        reports,
        last: Mutex::default(),
    });
    let mut open = Connections::default();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => open.add(tokio::spawn(connection(stream, Arc::clone(&page)))),
            Err(error) => {
                debug!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The connections that may be open, the oldest first. Dropping it ends them.
#[derive(Default)]
struct Connections(VecDeque<AbortHandle>);

impl Connections {
    fn add(&mut self, task: tokio::task::JoinHandle<()>) {
        self.0.retain(|task| !task.is_finished());
        if self.0.len() >= MAX_CONNECTIONS {
            if let Some(oldest) = self.0.pop_front() {
                oldest.abort();
            }
        }
        self.0.push_back(task.abort_handle());
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn connection(stream: TcpStream, page: Arc<Page>) {
    let service = service_fn(|request| {
        let page = Arc::clone(&page);
        async move { Ok::<_, Infallible>(answer(&request, &page).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION_TIME, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection for metrics failed"),
        Err(_) => debug!("a connection for metrics took too long"),
    }
}

async fn answer(request: &Request<Incoming>, page: &Page) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET is known\n");
    }
    if request.uri().path() != "/metrics" {
        return response(StatusCode::NOT_FOUND, PLAIN, "there is only /metrics\n");
    }
    match page.text().await {
        Some(text) => response(StatusCode::OK, OPEN_METRICS, text),
        None => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "stopping\n"),
    }
}

fn response(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_connection_makes_room_and_all_end_with_the_server() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut open = Connections::default();
            let mut tasks = Vec::new();
            for _ in 0..=MAX_CONNECTIONS {
                let task = tokio::spawn(std::future::pending());
                tasks.push(task.abort_handle());
                open.add(task);
            }
            // Time for what was aborted to end.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let ended: Vec<_> = tasks.iter().map(AbortHandle::is_finished).collect();
            assert_eq!(ended.iter().position(|ended| *ended), Some(0));
            assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
            drop(open);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert!(tasks.iter().all(AbortHandle::is_finished));
        });
    }
}
