//! The port that local clients connect to: the Foxglove WebSocket and the page.

mod access;
mod page;
mod response;
mod socket;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::ORIGIN;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use crate::hub::Hub;
use response::{refuse, Body};

pub use access::Access;
pub use page::{PageTokens, Site};

/// Clients that may be connected at once.
const MAX_CONNECTIONS: usize = 128;
/// Longest time for the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Time before the next connection after the system refused one, for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Parts that are served.
pub struct Server {
    /// Robot and clients.
    pub hub: Arc<Hub>,
    /// Access rules for clients.
    pub access: Access,
    /// The page and its configuration.
    pub site: Site,
}

/// Serves until `stop` is ready.
pub async fn serve(server: Server, listener: TcpListener, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let server = Arc::new(server);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            warn!(%peer, "too many connections");
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            connection(server, stream, peer).await;
            drop(slot);
        });
    }
}

async fn connection(server: Arc<Server>, stream: TcpStream, peer: SocketAddr) {
    // Small messages are to arrive now, not with the next ones.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    // A WebSocket outlives the HTTP connection that it began as, and keeps its place.
    let (sockets, mut upgraded) = tokio::sync::mpsc::channel(1);
    let service = service_fn(|request| {
        let answer = answer(&server, peer, request, &sockets);
        async move { Ok::<_, Infallible>(answer) }
    });
    let result = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = result {
        debug!(%peer, %error, "connection failed");
    }
    if let Ok(socket) = upgraded.try_recv() {
        socket::run(socket, Arc::clone(&server.hub), peer).await;
    }
}

fn answer(
    server: &Server,
    peer: SocketAddr,
    mut request: Request<Incoming>,
    sockets: &tokio::sync::mpsc::Sender<socket::Upgrading>,
) -> Response<Body> {
    if let Err(reason) = server.access.check_host(request.headers()) {
        return refuse(StatusCode::FORBIDDEN, reason);
    }
    if socket::is_upgrade(&request) {
        if let Err(reason) = server.access.check_origin(request.headers()) {
            warn!(%peer, origin = ?request.headers().get(ORIGIN), "refused a connection: {reason}");
            return refuse(StatusCode::FORBIDDEN, reason);
        }
        return match socket::accept(&mut request) {
            Ok((response, upgrading)) => {
                // There is room for one, and a connection is upgraded once.
                let _ = sockets.try_send(upgrading);
                response
            }
            Err(reason) => refuse(StatusCode::BAD_REQUEST, reason),
        };
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are known",
        );
    }
    if let Err(reason) = server.access.check_page(peer, request.headers()) {
        return refuse(StatusCode::FORBIDDEN, reason);
    }
    server.site.answer(request.uri().path())
}
