//! Behind a proxy of the owner's own that ended TLS already: plain HTTP/1.1, from its trusted hops alone. One connection
//! carries requests of many visitors to many doors, so door and client are read from each request.

use super::{
    access_log::Caller,
    activity::Activity,
    admit::Admitted,
    body::Body,
    door::{Door, Front},
    exchange::Exchanges,
    http,
    identify::{self, BadFront, Client},
    limits,
    linger::Lingering,
    listen::Ground,
    pipeline::{self, Connection},
    refusal::Refusal,
    tls,
    upstream::Pool,
};
use crate::headers::authority::{Authority, Scheme};
use hyper::{HeaderMap, Request, Response, body::Incoming, header, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    cell::Cell,
    convert::Infallible,
    rc::Rc,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::net::TcpStream;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

type Doors = Arc<RwLock<Vec<Arc<Door>>>>;

/// One connection of a hop.
struct Carried {
    hop: Client,
    admitted: Arc<Admitted>,
    doors: Doors,
    ground: Ground,
    pool: Rc<Pool>,
    activity: Activity,
    exchanges: Rc<Exchanges>,
}

/// Whether the doors behind a listener are fronted; all of them are, or none.
pub(crate) fn is_fronted(doors: &Doors) -> bool {
    let doors = doors.read().unwrap_or_else(PoisonError::into_inner);
    doors.iter().any(|door| door.plan.front.is_some())
}

/// Serves a connection until either side ends it.
pub(crate) async fn serve(
    stream: TcpStream,
    admitted: Admitted,
    doors: Doors,
    stop: CancellationToken,
    ground: Ground,
    pool: Rc<Pool>,
) {
    let exchanges = Rc::<Exchanges>::default();
    let carried = Rc::new(Carried {
        hop: admitted.client(),
        admitted: Arc::new(admitted),
        doors,
        ground,
        pool,
        activity: Activity::default(),
        exchanges: Rc::clone(&exchanges),
    });
    let service = service_fn(move |request: Request<Incoming>| {
        let carried = Rc::clone(&carried);
        async move { Ok::<Response<Body>, Infallible>(carried.answer(request).await) }
    });
    let speaking = AbortOnDropHandle::new(tokio::task::spawn_local(async move {
        let served = http::http1(limits::FRONT_IDLE)
            .serve_connection(TokioIo::new(Lingering::new(stream)), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a front's connection ended early");
        }
    }));
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = exchanges.overdue() => {}
        _ = speaking => {}
    }
}

impl Carried {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Some(door) = named(&self.doors, request.headers()) else {
            // Nobody asked for a door of ours: no page, no hint.
            return pipeline::bare(Refusal::Stranger);
        };
        let front = door.plan.front.clone();
        let client =
            front.as_ref().map(|Front { hops, .. }| identify::behind(hops, self.hop, request.headers()));
        let shared = &self.ground.shared;
        let (client, fault) = match client {
            Some(Ok(client)) => (client, None),
            Some(Err(fault)) => (self.hop, Some(fault)),
            None => (self.hop, Some(BadFront::NotSecure)),
        };
        if shared.front_fault.note(fault) {
            shared.changed.notify_one();
        }
        let connection = Connection {
            caller: Caller::new(client, &door),
            forwarded_for: client.forwarded_for(),
            door,
            // The hop says so, or nothing is answered.
            scheme: Scheme::Https,
            client,
            server_name: None,
            shared: Arc::clone(shared),
            pool: Rc::clone(&self.pool),
            admitted: Arc::clone(&self.admitted),
            activity: self.activity.clone(),
            exchanges: Rc::clone(&self.exchanges),
            noted: Cell::default(),
        };
        match fault {
            None => pipeline::answer(&connection, request).await,
            Some(_) => pipeline::refuse(&connection, &request, Refusal::Front),
        }
    }
}

/// The door a request names.
fn named(doors: &Doors, headers: &HeaderMap) -> Option<Arc<Door>> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let authority: Authority = host.to_str().ok()?.parse().ok()?;
    tls::door_of(doors, Some(&authority.host)).filter(|door| door.is_named_by(Scheme::Https, &authority))
}
