//! *No password on this network*: for a while anybody on it may use one tool through its door.
//!
//! What allows it lies with the open door and nowhere else, so it ends with the door and with this process, and nothing on
//! disk brings it back. Who shows a session or a credential is judged by that; other websites get no further than by a cookie.

use super::{
    Subject,
    authenticate::{self, Credential},
    door::Door,
    identify::Client,
    refusal::Refusal,
    route::Target,
};
use crate::clock::Timestamp;
use drawbridge_protocol::Level;
use hyper::{Request, header};
use ipnet::IpNet;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// The owner's word that anybody may come in for a while.
#[derive(Debug)]
pub(crate) struct Anybody {
    pub(crate) until: Timestamp,
    /// Cancelled when it ends, for whatever reason; open connections of anybody end with it.
    pub(crate) ended: CancellationToken,
    since: Timestamp,
    began: Instant,
    inside: Vec<IpNet>,
}

impl Anybody {
    /// From now on, for peers inside these networks.
    pub(crate) fn new(inside: Vec<IpNet>, since: Timestamp, until: Timestamp) -> Self {
        Self { until, ended: CancellationToken::new(), since, began: Instant::now(), inside }
    }

    /// Whether it has ended or has to.
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        self.is_over_after(now, self.began.elapsed())
    }

    /// A clock that jumped is not to be believed, and where it went on while everything else stood still, the computer
    /// slept: it may be in another network that looks the same.
    fn is_over_after(&self, now: Timestamp, passed: Duration) -> bool {
        let expected = self.since.plus(passed);
        self.ended.is_cancelled()
            || now >= self.until
            || expected >= self.until
            || now.0.abs_diff(expected.0) > APART
    }

    fn takes(&self, client: Client, now: Timestamp) -> bool {
        !self.is_over(now) && self.inside.iter().any(|network| network.contains(&client.address()))
    }
}

/// Whoever shows nothing, where the owner allows it; nothing where a sign-in is needed all the same.
pub(crate) fn admit<B>(
    request: &Request<B>,
    door: &Door,
    target: &Target,
    client: Client,
    now: Timestamp,
) -> Result<Option<Subject>, Refusal> {
    let Some(anybody) = door.anybody.load_full() else { return Ok(None) };
    if door.plan.level != Level::Lan || !anybody.takes(client, now) {
        return Ok(None);
    }
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) || headers.contains_key(authenticate::SITE) {
        authenticate::check_origin(request, &target.origin.text, Credential::Cookie)?;
    } else if authenticate::calls_itself_browser(headers)
        || [header::ACCEPT_LANGUAGE, header::REFERER].iter().any(|name| headers.contains_key(name))
    {
        // It does not say which site made it ask (Safari before 16.4, and all of them without TLS). With a cookie
        // `SameSite` would hold other websites off; here nothing would.
        return Ok(None);
    }
    Ok(Some(Subject::Anybody(Arc::clone(&anybody))))
}

/// Seconds by which the clock and the time that passed may differ (chosen: more than any correction by NTP while it runs,
/// less than a way from one place to another).
const APART: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        headers::authority::Scheme,
        proxy::{
            door::{DoorPlan, GateAddress, Origin, Serves},
            identify::identify,
            route::Ask,
        },
        tools::ToolId,
    };

    fn anybody() -> Anybody {
        Anybody::new(vec!["192.168.1.0/24".parse().unwrap()], Timestamp(1_000), Timestamp(8_200))
    }

    #[test]
    fn it_ends_in_time_by_either_clock_and_where_they_part() {
        let over = |now, passed| anybody().is_over_after(Timestamp(now), Duration::from_secs(passed));
        assert!(!over(1_000, 0) && !over(8_199, 7_199) && !over(1_100, 40) && !over(1_000, 60));
        assert!(over(8_200, 7_190), "the clock says so");
        assert!(over(8_190, 7_200), "the time that passed says so");
        assert!(over(1_101, 40), "the computer slept");
        assert!(over(939, 0), "the clock was set back");
        let ended = anybody();
        ended.ended.cancel();
        assert!(ended.is_over_after(Timestamp(1_000), Duration::ZERO));
    }

    fn ask(level: Level, from: &str, method: &str, fields: &[(&str, &str)]) -> Result<bool, Refusal> {
        let door = Door::new(DoorPlan {
            serves: Serves::Tool(ToolId::stored("a".into())),
            level,
            hosts: vec!["192.168.1.5".parse().unwrap()],
            gate: GateAddress::SameHost { port: 8443 },
            port: 8444,
            front: None,
        });
        door.anybody.store(Some(Arc::new(anybody())));
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let origin = Arc::new(Origin::new(Scheme::Https, "192.168.1.5".parse().unwrap(), 8444));
        let target = Target { origin, ask: Ask::Tool };
        let client = identify(format!("{from}:1").parse().unwrap());
        let admitted = admit(&request.body(()).unwrap(), &door, &target, client, Timestamp(1_001));
        admitted.map(|subject| subject.is_some())
    }

    #[test]
    fn only_at_the_lan_door_and_from_the_network_it_was_allowed_on() {
        assert_eq!(ask(Level::Lan, "192.168.1.9", "GET", &[]), Ok(true));
        assert_eq!(ask(Level::Internet, "192.168.1.9", "GET", &[]), Ok(false));
        assert_eq!(ask(Level::Lan, "192.168.2.9", "GET", &[]), Ok(false));
        assert_eq!(ask(Level::Lan, "127.0.0.1", "GET", &[]), Ok(false));
    }

    #[test]
    fn other_websites_cannot_use_a_browser_of_the_house() {
        let lan = |method, fields: &[(&str, &str)]| ask(Level::Lan, "192.168.1.9", method, fields);
        let (own, other) = (("origin", "https://192.168.1.5:8444"), ("origin", "https://evil.example"));
        let (browser, vague) = (("user-agent", "Mozilla/5.0 (X11)"), Ok(false));
        let site = |value| ("sec-fetch-site", value);
        let (navigate, document) = (("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"));
        let socket = [("connection", "Upgrade"), ("upgrade", "websocket")];
        for method in ["GET", "POST"] {
            assert_eq!(lan(method, &[]), Ok(true), "a program");
            assert_eq!(lan(method, &[other]), Err(Refusal::CrossSite));
            assert_eq!(lan(method, &[browser]), vague, "who knows which page made it do so");
            assert_eq!(lan(method, &[browser, own]), Ok(true));
            assert_eq!(lan(method, &[browser, site("cross-site")]), Err(Refusal::CrossSite));
            assert_eq!(lan(method, &[browser, site("same-site")]), Err(Refusal::CrossSite), "another tool's");
            assert_eq!(lan(method, &[browser, site("same-origin")]), Ok(true));
        }
        assert_eq!(lan("GET", &[browser, site("cross-site"), navigate, document]), Ok(true), "a link");
        assert_eq!(lan("POST", &[browser, site("cross-site"), navigate, document]), Err(Refusal::CrossSite));
        assert_eq!(lan("GET", &[socket[0], socket[1], other]), Err(Refusal::CrossSite));
        assert_eq!(lan("GET", &[socket[0], socket[1], browser]), vague);
        assert_eq!(lan("GET", &[socket[0], socket[1], browser, own]), Ok(true));
    }
}
