//! Tunnels: after both sides agreed on a WebSocket, bytes flow until one side ends or the permit is withdrawn.

use super::{Lease, limits};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;

/// Joins both sides in a task of its own. What is `held` is kept while the tunnel lasts: its place among the connections.
pub(crate) fn join<H: 'static>(visitor: OnUpgrade, tool: OnUpgrade, lease: Lease, held: H) {
    tokio::task::spawn_local(async move {
        let tunnel = async {
            let (Ok(visitor), Ok(tool)) = (visitor.await, tool.await) else { return };
            copy(visitor, tool).await;
        };
        tokio::select! {
            biased;
            () = lease.withdrawn() => {}
            () = tunnel => {}
        }
        drop(held);
    });
}

async fn copy(visitor: Upgraded, tool: Upgraded) {
    let (mut visitor, mut tool) = (TokioIo::new(visitor), TokioIo::new(tool));
    // How a tunnel ends is between the two; either error only means that it did.
    let _ = tokio::io::copy_bidirectional_with_sizes(
        &mut visitor,
        &mut tool,
        limits::TUNNEL_BUFFER,
        limits::TUNNEL_BUFFER,
    )
    .await;
}
