//! Pages of listed origins, against real sessions and passwords: what they send counts, what lies in the browser does not.

use super::*;
use crate::{
    clock::{Clock, Timestamp},
    identity::{
        UserId,
        approval::Approvals,
        invite::Invites,
        own_account::OwnAccount,
        pass::Passes,
        password::Hasher,
        second_factor::verify::Verifier,
        session::{Sessions, Visit},
        sign_in::SignIn,
        token::Tokens,
        user::{Proof, User},
    },
    pages::Pages,
    proxy::{
        access_log::AccessLog,
        door::{DoorPlan, GateAddress, Origin, Serves},
        identify, limits,
        route::Ask,
        snapshot::{Tool, ToolFaults, Wants},
    },
    store::{database::Database, rotation::RotatingFile},
};
use arc_swap::{ArcSwap, ArcSwapOption};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_protocol::{Level, NetworkTarget, Secret};
use drawbridge_texts::Texts;
use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
    path::Path,
};
use tokio::sync::{Notify, Semaphore};

const LISTED: &str = "https://app.example";

#[tokio::test]
async fn a_listed_page_needs_a_name_and_password_whatever_lies_in_the_browser() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (password, session) = (ground.password.as_str(), ground.session.as_str());
    let socket = [("connection", "Upgrade"), ("upgrade", "websocket")];
    let cross = ("sec-fetch-site", "cross-site");
    let with = |origin, more: &[(&'static str, &str)]| {
        let all: Vec<(&'static str, String)> = [&[("origin", origin), cross], more]
            .concat()
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        all
    };
    let (basic, cookie) = (("authorization", password), ("cookie", session));
    for (method, origin, more, outcome) in [
        ("PUT", LISTED, vec![basic], Ok("basic")),
        ("GET", LISTED, vec![basic], Ok("basic")),
        ("PUT", LISTED, vec![basic, cookie], Ok("basic")),
        ("GET", LISTED, [&[basic][..], &socket].concat(), Ok("basic")),
        ("GET", LISTED, vec![cookie], Err(Refusal::CrossSite)),
        ("PUT", LISTED, vec![cookie], Err(Refusal::CrossSite)),
        ("GET", LISTED, [&[cookie][..], &socket].concat(), Err(Refusal::CrossSite)),
        ("PUT", LISTED, vec![], Ok("nobody")),
        ("PUT", "https://other.example", vec![basic], Err(Refusal::CrossSite)),
        ("PUT", "https://other.example", vec![basic, cookie], Err(Refusal::CrossSite)),
        ("GET", "https://other.example", vec![basic], Err(Refusal::CrossSite)),
        ("PUT", "https://192.168.1.5:8444", vec![cookie], Ok("session")),
    ] {
        assert_eq!(ground.ask(method, &with(origin, &more)).await, outcome, "{method} {origin} {more:?}");
    }
    // A program that says it speaks for another page, and keeps cookies.
    let other = ("origin", "https://other.example".to_owned());
    let both = [other, ("cookie", session.to_owned()), ("authorization", password.to_owned())];
    assert_eq!(ground.ask("GET", &both).await, Err(Refusal::CrossSite));
}

struct Ground {
    door: Door,
    snapshot: Snapshot,
    shared: Shared,
    tool: ToolId,
    password: String,
    session: String,
}

impl Ground {
    async fn new(folder: &Path) -> Self {
        let database = Database::open(&folder.join("drawbridge.db"), Timestamp(0)).unwrap().database;
        let insert = "INSERT INTO user (id, name, admin, password, created) VALUES (1, 'anna', 0, x'00', 0)";
        database.call(move |transaction| transaction.execute(insert, ())).await.unwrap();
        let (tool, clock) = (ToolId::stored("tool".into()), Clock::system());
        let sessions = Sessions::load(database.clone(), clock.clone()).await.unwrap();
        let visit = Visit { level: Level::Lan, address: Ipv4Addr::LOCALHOST.into(), agent: String::new() };
        let gate = sessions.begin(UserId(1), visit).await.unwrap();
        let begun = sessions.at_gate(&gate, Level::Lan).unwrap();
        let code = sessions.code(begun, tool.clone(), "state".into()).unwrap().unwrap();
        let value =
            sessions.enter(&code, &tool, (Level::Lan, Kind::Browser), "state").await.unwrap().unwrap();
        let hasher = Hasher::new().unwrap();
        let hash = hasher.hash(Secret::new("correct horse".into())).await.unwrap();
        let user = Arc::new(User { proof: Proof::new(hash, true), ..User::anna() });
        let target =
            crate::tools::target::Target::parse("http://127.0.0.1:1", NetworkTarget::Refused).unwrap();
        let origins = [LISTED.to_owned()];
        let wants = Wants { allowed_origins: &origins, ..Wants::default() };
        let seen = Tool::new(tool.clone(), "Tool".into(), target, &wants);
        Self {
            door: Door::new(DoorPlan {
                serves: Serves::Tool(tool.clone()),
                level: Level::Lan,
                hosts: vec!["192.168.1.5".parse().unwrap()],
                gate: GateAddress::SameHost { port: 8443 },
                port: 8444,
                front: None,
            }),
            snapshot: Snapshot {
                tools: HashMap::from([(tool.clone(), Arc::new(seen))]),
                users: HashMap::from([(user.id, Arc::clone(&user))]),
                names: HashMap::from([("anna".into(), user)]),
                disabled: HashSet::new(),
                doors: Vec::new(),
            },
            shared: shared(folder, database, sessions, hasher, clock).await,
            tool,
            password: format!("Basic {}", STANDARD.encode("anna:correct horse")),
            session: format!("{}={value}", cookie_name(Scheme::Https, 8444)),
        }
    }

    async fn ask(&self, method: &str, fields: &[(&str, String)]) -> Result<&'static str, Refusal> {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in fields {
            request = request.header(*name, value);
        }
        let request = request.body(()).unwrap();
        let origin = Arc::new(Origin::new(Scheme::Https, "192.168.1.5".parse().unwrap(), 8444));
        let target = Target { origin, ask: Ask::Tool };
        let client = identify::identify("192.0.2.7:1".parse().unwrap());
        let (tool, door, snapshot) = (&self.tool, &self.door, &self.snapshot);
        let subject = authenticate(&request, tool, door, &target, client, snapshot, &self.shared).await?;
        Ok(match subject {
            Some(Subject::Session { .. }) => "session",
            Some(Subject::Basic { .. }) => "basic",
            Some(Subject::Token { .. }) => "token",
            Some(Subject::Access { .. }) => "access",
            Some(Subject::Pass { .. }) => "pass",
            Some(Subject::Anybody(_)) => "anybody",
            None => "nobody",
        })
    }
}

async fn shared(
    folder: &Path,
    database: Database,
    sessions: Sessions,
    hasher: Hasher,
    clock: Clock,
) -> Shared {
    let log = RotatingFile::open(&folder.join("access.log"), 1024).unwrap();
    Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::default()),
        sessions,
        sign_in: SignIn::new(hasher).unwrap(),
        approvals: Approvals::load(database.clone(), clock.clone()).await.unwrap(),
        tokens: Tokens::load(database.clone(), clock.clone()).await.unwrap(),
        invites: Invites::load(database.clone(), clock.clone()).await.unwrap(),
        passes: Passes::load(database.clone(), clock.clone()).await.unwrap(),
        signer: ArcSwapOption::empty(),
        socket_tokens: Default::default(),
        second_factor: Verifier::new(database, clock.clone()).unwrap(),
        halves: Default::default(),
        plain_halves: Default::default(),
        own_account: OwnAccount::new().0,
        pages: Pages::new(Arc::new(Texts::new())),
        visitors: Default::default(),
        access_log: AccessLog::start(log).unwrap(),
        clock,
        tool_faults: ToolFaults::default(),
        front_fault: Default::default(),
        cookie_names: Default::default(),
        message_tunnels: Arc::new(Semaphore::new(1)),
        calls: Arc::new(Semaphore::new(limits::CALLS)),
        forms: Default::default(),
        upstreams: Arc::new(Semaphore::new(1)),
        changed: Notify::new(),
    }
}
