//! The bridge in numbers for Prometheus: an HTTP endpoint on request, off by default.

mod families;
mod http;
mod process;
mod text;

use std::net::SocketAddr;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tracing::info;

use crate::driver::ReportSource;

/// Serves `/metrics` until dropped.
pub struct MetricsServer(AbortHandle);

impl MetricsServer {
    /// Listens at the address and serves on the runtime. There is no access control: whoever
    /// reaches the address can read topics' and viewers' names.
    ///
    /// # Errors
    /// The address cannot be listened at.
    pub fn start(
        address: SocketAddr,
        reports: ReportSource,
        runtime: &Handle,
    ) -> std::io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        info!(%address, "serving /metrics");
        let task = runtime.spawn(async move {
            // Made here, since it belongs to the runtime that runs the task.
            let listener = tokio::net::TcpListener::from_std(listener)?;
            http::serve(listener, reports).await
        });
        Ok(Self(task.abort_handle()))
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.0.abort();
    }
}
