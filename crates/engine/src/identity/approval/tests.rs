use super::*;
use crate::identity::UserId;
use std::{net::Ipv4Addr, path::Path, sync::atomic::AtomicU64, time::UNIX_EPOCH};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const NOBODY: Shown<'static> = Shown::Page(Tokens { device: None, question: None });

fn device(token: &Secret) -> Shown<'_> {
    Shown::Page(Tokens { device: Some(token.expose()), question: None })
}

fn question(token: &Secret) -> Shown<'_> {
    Shown::Page(Tokens { device: None, question: Some(token.expose()) })
}

struct Ground {
    approvals: Approvals,
    user: Arc<User>,
    database: Database,
    clock: Clock,
    time: Arc<AtomicU64>,
}

impl Ground {
    async fn new(folder: &Path) -> Self {
        let database = Database::open(&folder.join("drawbridge.db"), Timestamp(0)).unwrap().database;
        let rows = "INSERT INTO user (id, name, admin, password, created) VALUES (1, 'anna', 0, x'00', 0);
                    INSERT INTO user (id, name, admin, password, created) VALUES (2, 'ben', 0, x'00', 0)";
        database.call(move |transaction| transaction.execute_batch(rows)).await.unwrap();
        let time = Arc::new(AtomicU64::new(1_000_000));
        let read = Arc::clone(&time);
        let clock = Clock::from_fn(move || UNIX_EPOCH + Duration::from_secs(read.load(Ordering::Relaxed)));
        let approvals = Approvals::load(database.clone(), clock.clone()).await.unwrap();
        approvals.set_policy(Policy::Always);
        let user = Arc::new(User { id: UserId(1), ..User::anna() });
        Self { approvals, user, database, clock, time }
    }

    fn ask(&self, shown: Shown<'_>) -> Asked {
        self.approvals.ask(&self.user, (HERE, "Firefox"), &shown).unwrap()
    }

    /// A first question, with the token and number of its device.
    fn asked(&self) -> (Secret, u8) {
        let Asked::Waits { token, number, .. } = self.ask(NOBODY) else { panic!("it waits") };
        (token, number)
    }

    fn id(&self) -> String {
        self.approvals.list()[0].id.clone()
    }

    fn allow(&self, answer: Answer) {
        self.approvals.allow(&self.id(), answer).unwrap();
    }

    fn lets_in(&self, shown: Shown<'_>) -> bool {
        self.approvals.lets_in(&self.user, Level::Internet, &shown)
    }
}

#[tokio::test]
async fn it_asks_only_from_the_internet_and_where_somebody_can_answer() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    assert!(!ground.lets_in(NOBODY) && ground.lets_in(Shown::SignedIn));
    assert!(ground.approvals.lets_in(&ground.user, Level::Lan, &NOBODY));
    ground.approvals.set_policy(Policy::Never);
    assert!(ground.lets_in(NOBODY));
    ground.approvals.set_policy(Policy::Desk);
    assert!(ground.lets_in(NOBODY));
    let (one, other) = (ground.approvals.desk(), ground.approvals.desk());
    drop(one);
    assert!(!ground.lets_in(NOBODY), "one is still there");
    drop(other);
    assert!(!ground.lets_in(NOBODY), "it left a moment ago");
    lock(&ground.approvals.desks).left = Instant::now().checked_sub(LINGER);
    assert!(ground.lets_in(NOBODY));
}

#[tokio::test]
async fn what_was_asked_or_refused_stands_when_the_desk_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    ground.approvals.set_policy(Policy::Desk);
    ground.asked();
    assert!(!ground.lets_in(NOBODY), "a question is open");
    assert!(ground.approvals.refuse(&ground.id()));
    assert!(!ground.lets_in(NOBODY), "the owner said no");
    let other = User { id: UserId(2), ..User::anna() };
    assert!(ground.approvals.lets_in(&other, Level::Internet, &NOBODY));
}

#[tokio::test]
async fn a_yes_is_used_once_and_good_again_where_no_session_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, number) = ground.asked();
    assert!((10..100).contains(&number));
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Waits(number)));
    assert!(ground.approvals.claim(token.expose()).is_none(), "nobody said yes yet");
    ground.allow(Answer::Once);
    assert!(ground.approvals.list().is_empty());
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Allowed));
    assert_eq!(ground.approvals.claim(token.expose()).unwrap().1, Answer::Once);
    assert!(ground.approvals.claim(token.expose()).is_none(), "another click");
    assert!(matches!(ground.ask(question(&token)), Asked::Claimed));
    ground.approvals.settle(&question(&token), false);
    assert!(matches!(ground.ask(question(&token)), Asked::Allowed(Answer::Once)));
    ground.approvals.settle(&question(&token), true);
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Claimed));
    assert!(ground.approvals.claim(token.expose()).is_none() && !ground.lets_in(question(&token)));
    ground.approvals.end(token.expose());
    assert_eq!(ground.approvals.standing(token.expose()), None);
}

#[tokio::test]
async fn what_asked_in_one_way_is_let_in_in_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let Asked::Waits { token, .. } = ground.ask(Shown::Call(Tokens::default())) else { panic!("it waits") };
    assert_eq!(ground.approvals.standing(token.expose()), None, "no browser asked");
    ground.allow(Answer::Always);
    assert!(ground.approvals.claim(token.expose()).is_none());
    assert!(matches!(ground.ask(question(&token)), Asked::Waits { .. }), "a question of its own");
    let call = Shown::Call(Tokens { device: None, question: Some(token.expose()) });
    assert!(matches!(ground.ask(call), Asked::Allowed(Answer::Always)));
}

#[tokio::test]
async fn a_known_device_is_known_to_its_accounts_alone_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let other = User { id: UserId(2), ..User::anna() };
    let token = ground.approvals.devices.add(UserId(1), Some("planted"), "Firefox").await.unwrap();
    assert_ne!(token.expose(), "planted", "never a token that came from outside");
    assert!(ground.lets_in(device(&token)) && !ground.lets_in(question(&token)));
    let for_other = |approvals: &Approvals| approvals.lets_in(&other, Level::Internet, &device(&token));
    assert!(!for_other(&ground.approvals));
    let same = ground.approvals.devices.add(UserId(2), Some(token.expose()), "Firefox").await.unwrap();
    assert_eq!(same.expose(), token.expose(), "one browser has one token");
    ground.approvals.devices.add(UserId(2), Some(token.expose()), "Firefox").await.unwrap();
    assert_eq!(ground.approvals.devices.list().len(), 2);

    let again = Approvals::load(ground.database.clone(), ground.clock.clone()).await.unwrap();
    again.set_policy(Policy::Always);
    assert!(again.lets_in(&ground.user, Level::Internet, &device(&token)) && for_other(&again));
    assert_eq!(again.devices.forget(|device| device.user == UserId(1)).await.unwrap(), 1);
    assert!(!again.lets_in(&ground.user, Level::Internet, &device(&token)) && for_other(&again));
    let again = Approvals::load(ground.database.clone(), ground.clock.clone()).await.unwrap();
    assert_eq!(again.devices.list().len(), 1);
}

#[tokio::test]
async fn of_one_account_one_device_waits_and_a_no_gives_peace() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, number) = ground.asked();
    let Asked::Waits { token: same, number: again, .. } = ground.ask(question(&token)) else {
        panic!("the same device")
    };
    assert_eq!((same.expose(), again), (token.expose(), number));
    let planted = Secret::new("planted".to_owned());
    for other in [NOBODY, question(&planted), Shown::Network(HERE)] {
        assert!(matches!(ground.ask(other), Asked::Later(_)));
    }
    assert!(ground.approvals.refuse(&ground.id()));
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Refused));
    assert!(ground.approvals.claim(token.expose()).is_none());
    for shown in [NOBODY, question(&token)] {
        assert!(matches!(ground.ask(shown), Asked::Later(left) if left > WAITING));
    }
    assert!(!ground.approvals.refuse("0"));
    assert_eq!(ground.approvals.allow("0", Answer::Always), Err(BadAllow::Unknown));
}

#[tokio::test]
async fn a_yes_that_was_not_used_can_be_taken_back_and_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, _) = ground.asked();
    let id = ground.id();
    ground.allow(Answer::Always);
    let (other, _) = ground.asked();
    assert!(ground.approvals.refuse(&id));
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Refused));
    assert!(ground.approvals.claim(token.expose()).is_none() && ground.approvals.devices.list().is_empty());
    assert!(matches!(ground.approvals.standing(other.expose()), Some(Standing::Waits(_))));
}

#[tokio::test]
async fn a_program_is_let_in_from_one_network_for_one_account_and_can_be_put_out() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    for _ in 0..3 {
        assert!(matches!(ground.ask(Shown::Network(HERE)), Asked::ProgramWaits));
    }
    assert_eq!(ground.approvals.list().len(), 1);
    assert_eq!(ground.approvals.allow(&ground.id(), Answer::Always), Err(BadAllow::Program));
    ground.allow(Answer::Once);
    assert!(ground.lets_in(Shown::Network(HERE)));
    assert!(
        !ground.lets_in(Shown::Network(Ipv4Addr::new(203, 0, 113, 10).into())) && !ground.lets_in(NOBODY)
    );
    let other = User { id: UserId(2), ..User::anna() };
    assert!(!ground.approvals.lets_in(&other, Level::Internet, &Shown::Network(HERE)));
    let programs = ground.approvals.programs();
    assert_eq!((programs.len(), programs[0].network), (1, HERE));
    assert!(ground.approvals.forget_program(&programs[0].id));
    assert!(!ground.approvals.forget_program(&programs[0].id) && !ground.lets_in(Shown::Network(HERE)));
}

#[tokio::test]
async fn an_account_that_changes_waits_no_more_and_is_asked_about_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut ground = Ground::new(folder.path()).await;
    let (token, _) = ground.asked();
    ground.allow(Answer::Once);
    let _ = ground.asked();
    assert!(ground.approvals.refuse(&ground.id()));
    ground.user.withdrawn.cancel();
    assert!(ground.approvals.claim(token.expose()).is_none());
    assert_eq!(ground.approvals.standing(token.expose()), None);
    ground.user = Arc::new(User { id: UserId(1), ..User::anna() });
    ground.asked();
}

#[tokio::test]
async fn a_device_that_cannot_be_saved_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let drop_it = |transaction: &rusqlite::Transaction<'_>| transaction.execute_batch("DROP TABLE device");
    ground.database.call(drop_it).await.unwrap();
    assert!(ground.approvals.devices.add(UserId(1), None, "Firefox").await.is_err());
    assert!(ground.approvals.devices.list().is_empty());
}

#[tokio::test]
async fn a_device_nobody_used_for_long_or_of_a_clock_that_went_back_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let token = ground.approvals.devices.add(UserId(1), None, "Firefox").await.unwrap();
    ground.time.fetch_sub(3600, Ordering::Relaxed);
    assert!(!ground.lets_in(device(&token)));
    ground.time.fetch_add(3600 + LIFETIME.as_secs() - 1, Ordering::Relaxed);
    assert!(ground.lets_in(device(&token)), "and seen now");
    ground.time.fetch_add(LIFETIME.as_secs() - 1, Ordering::Relaxed);
    assert!(ground.lets_in(device(&token)));
    ground.time.fetch_add(LIFETIME.as_secs(), Ordering::Relaxed);
    assert!(!ground.lets_in(device(&token)));
    ground.approvals.devices.tidy().await.unwrap();
    assert!(ground.approvals.devices.list().is_empty());
}
