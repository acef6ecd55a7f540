//! Tests of the table of passes.

use super::*;
use crate::identity::user::{Proof, Reach};
use std::{collections::BTreeSet, net::Ipv4Addr, time::UNIX_EPOCH};

/// A table on a database of its own, at a time that is told.
struct Ground {
    passes: Passes,
    database: Database,
    clock: Clock,
    now: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

/// The accounts that may sign in.
struct Accounts(Vec<Arc<User>>);

impl Users for Accounts {
    fn by_name(&self, _: &str) -> Option<Arc<User>> {
        None
    }

    fn by_id(&self, id: UserId) -> Option<Arc<User>> {
        self.0.iter().find(|user| user.id == id).cloned()
    }

    fn is_name(&self, _: &str) -> bool {
        false
    }
}

impl Ground {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("drawbridge.db"), Timestamp(7)).unwrap().database;
        let insert = "INSERT INTO user (id, name, admin, password, created)
             VALUES (1, 'anna', 0, x'00', 0), (2, 'ben', 0, x'00', 0)";
        database.call(move |transaction| transaction.execute(insert, ())).await.unwrap();
        let now = Arc::new(AtomicU64::new(1_000_000));
        let read = Arc::clone(&now);
        let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(read.load(Ordering::Relaxed)));
        let passes = Passes::load(database.clone(), clock.clone()).await.unwrap();
        Self { passes, database, clock, now, _folder: folder }
    }

    /// What a restart finds.
    async fn again(&self) -> Passes {
        Passes::load(self.database.clone(), self.clock.clone()).await.unwrap()
    }

    async fn create(&self, maker: Maker) -> Option<(Arc<Pass>, Secret)> {
        let (label, lifetime) = (String::new(), Duration::from_secs(60));
        let wish = Wish { tool: tool("a"), maker, label, rights: Rights::All, lifetime };
        self.passes.create(wish).await.unwrap()
    }

    async fn bind(&self, pass: &Arc<Pass>, mark: &str) -> bool {
        self.passes.bind(pass, mark, visit(Level::Lan)).await.unwrap()
    }

    async fn stored(&self) -> i64 {
        let count = |transaction: &rusqlite::Transaction<'_>| {
            transaction.query_row("SELECT count(*) FROM pass", [], |row| row.get(0))
        };
        self.database.call(count).await.unwrap()
    }
}

fn visit(level: Level) -> Visit {
    Visit { level, address: Ipv4Addr::LOCALHOST.into(), agent: "curl\u{7}/8".into() }
}

fn tool(id: &str) -> ToolId {
    ToolId::stored(id.to_owned())
}

#[tokio::test]
async fn what_is_over_opens_nothing_and_is_deleted() {
    let ground = Ground::new().await;
    let (pass, code) = ground.create(Maker::Owner).await.unwrap();
    ground.now.fetch_add(59, Ordering::Relaxed);
    assert!(ground.passes.find(&code).is_some() && ground.passes.list().len() == 1);
    assert_eq!(ground.passes.next_end(), Some(Duration::from_secs(1)));
    ground.now.fetch_add(1, Ordering::Relaxed);
    assert!(ground.passes.find(&code).is_none() && ground.passes.list().is_empty());
    assert!(!ground.bind(&pass, "x").await && pass.device().is_none());
    assert!(!pass.ended.is_cancelled());
    assert_eq!((ground.passes.end_over().await.unwrap(), ground.stored().await), (1, 0));
    assert!(pass.ended.is_cancelled() && ground.passes.next_end().is_none());

    let (pass, code) = ground.create(Maker::Owner).await.unwrap();
    assert!(ground.again().await.find(&code).is_some());
    ground.now.store(10, Ordering::Relaxed);
    assert!(ground.passes.find(&code).is_none(), "a clock that ran backwards");
    assert_eq!((ground.passes.end_over().await.unwrap(), ground.stored().await), (0, 1), "it may be set yet");
    assert!(!pass.ended.is_cancelled());
    ground.now.store(1_000_000, Ordering::Relaxed);
    assert!(ground.passes.find(&code).is_some());
}

#[tokio::test]
async fn an_end_that_was_not_saved_is_saved_by_tidying() {
    let ground = Ground::new().await;
    ground.create(Maker::Owner).await.unwrap();
    let (kept, _) = ground.create(Maker::Owner).await.unwrap();
    assert_eq!(ground.passes.end_here(|pass| pass.id != kept.id).len(), 1);
    assert_eq!((ground.passes.list().len(), ground.stored().await), (1, 2), "gone here, and not on the disk");
    ground.passes.tidy().await.unwrap();
    assert_eq!(ground.stored().await, 1);
    assert_eq!(ground.again().await.list().len(), 1);
}

#[tokio::test]
async fn the_first_device_has_it_and_no_other_also_after_a_restart() {
    let ground = Ground::new().await;
    let (pass, code) = ground.create(Maker::Owner).await.unwrap();
    assert!(ground.bind(&pass, "first").await);
    assert!(!ground.bind(&pass, "second").await && ground.bind(&pass, "first").await);
    let device = pass.device().unwrap();
    assert_eq!((&*device.agent, &*device.address, device.level), ("curl/8", "127.0.0.1", Level::Lan));
    let held = |passes: &Passes, own: &'static str, level| {
        passes.held(&tool("a"), level, |id| (id == pass.id).then_some(own)).is_some()
    };
    for passes in [&ground.passes, &ground.again().await] {
        let known = passes.find(&code).unwrap();
        assert!(known.is_held_by("first") && !known.is_held_by("second"));
        assert!(held(passes, "first", Level::Lan) && !held(passes, "second", Level::Lan));
        assert!(!held(passes, "first", Level::Internet), "another gate");
        assert!(passes.held(&tool("b"), Level::Lan, |_| Some("first")).is_none(), "another tool");
    }
    // Whoever knew of it before a restart, and never of who was faster.
    let (pass, code) = ground.create(Maker::Owner).await.unwrap();
    let again = ground.again().await;
    let late = again.find(&code).unwrap();
    assert!(ground.bind(&pass, "first").await);
    assert!(!again.bind(&late, "second", visit(Level::Lan)).await.unwrap() && late.device().is_none());
}

#[tokio::test]
async fn a_pass_that_ended_while_it_was_bound_is_nobodys() {
    let ground = Ground::new().await;
    let (pass, _) = ground.create(Maker::Owner).await.unwrap();
    ground.passes.end(|_| true).await.unwrap();
    assert!(!ground.bind(&pass, "first").await);
    assert_eq!((ground.stored().await, pass.device().is_none()), (0, true));
}

#[tokio::test]
async fn a_door_is_entered_with_a_code_and_left() {
    let ground = Ground::new().await;
    let (pass, _) = ground.create(Maker::Owner).await.unwrap();
    let code = || ground.passes.code(Arc::clone(&pass), "state".into()).unwrap().unwrap();
    let enter = async |code: &str, state: &str| {
        ground.passes.enter(code, &tool("a"), Level::Lan, state).await.unwrap().map(|entered| entered.0)
    };
    assert!(enter(&code(), "state").await.is_none(), "nobody has it yet");
    assert!(ground.bind(&pass, "first").await);
    let once = code();
    assert!(enter(&once, "other").await.is_none() && enter(&once, "state").await.is_none(), "used up");
    let cookie = enter(&code(), "state").await.unwrap();
    let opens = |passes: &Passes, cookie: &str| passes.at_door(cookie, &tool("a"), Level::Lan).is_some();
    assert!(opens(&ground.passes, &cookie) && opens(&ground.again().await, &cookie));
    assert!(ground.passes.at_door(&cookie, &tool("b"), Level::Lan).is_none());
    assert!(ground.passes.at_door(&cookie, &tool("a"), Level::Internet).is_none());
    let newer = enter(&code(), "state").await.unwrap();
    assert!(!opens(&ground.passes, &cookie) && opens(&ground.passes, &newer), "one door each");
    let visit = ground.passes.at_door(&newer, &tool("a"), Level::Lan).unwrap();
    ground.passes.leave(&newer).await.unwrap();
    assert!(visit.ended.is_cancelled() && !pass.ended.is_cancelled());
    assert!(!opens(&ground.passes, &newer) && !opens(&ground.again().await, &newer));
    assert!(pass.is_good(ground.clock.timestamp()), "the pass stays");
    let last = enter(&code(), "state").await.unwrap();
    ground.passes.end(|_| true).await.unwrap();
    assert!(!opens(&ground.passes, &last) && !opens(&ground.again().await, &last));
}

#[tokio::test]
async fn there_is_a_most_of_all_and_of_one_person() {
    let ground = Ground::new().await;
    let [anna, ben] = [1, 2].map(|id| Maker::User(UserId(id)));
    for _ in 0..MOST_PER_USER {
        assert!(ground.create(anna).await.is_some());
    }
    assert!(ground.create(anna).await.is_none() && ground.create(ben).await.is_some());
    for _ in MOST_PER_USER + 1..MOST {
        assert!(ground.create(Maker::Owner).await.is_some());
    }
    assert!(ground.create(Maker::Owner).await.is_none() && ground.create(ben).await.is_none());
    ground.now.fetch_add(60, Ordering::Relaxed);
    assert!(ground.create(anna).await.is_some(), "what is over gives its place free");
    assert_eq!(ground.stored().await, 1);
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let ground = Ground::new().await;
    let (own, _) = ground.create(Maker::Owner).await.unwrap();
    let (annas, _) = ground.create(Maker::User(UserId(1))).await.unwrap();
    let only = |id: &str| Reach::Only(BTreeSet::from([tool(id)]));
    let weak = || Proof::new(Secret::new(String::new()), false);
    let both = [true, true];
    for (users, at) in [
        (vec![], [false, false]),
        (vec![User::anna()], both),
        (vec![User { proof: weak(), ..User::anna() }], [true, false]),
        (vec![User { reach: only("a"), ..User::anna() }], both),
        (vec![User { reach: only("b"), ..User::anna() }], [false, false]),
        (vec![User { id: UserId(2), ..User::anna() }], [false, false]),
    ] {
        let users = Accounts(users.into_iter().map(Arc::new).collect());
        let may =
            |pass: &Pass| [Level::Lan, Level::Internet].map(|level| pass.backer(level, &users).is_some());
        assert_eq!((may(&annas), may(&own)), (at, both));
    }
}
