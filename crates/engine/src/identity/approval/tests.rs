use super::*;
use std::{net::Ipv4Addr, path::Path, sync::atomic::AtomicU64, time::UNIX_EPOCH};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const NOBODY: Shown<'static> = Shown::Token(None);

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
        let Asked::Waits { token, number } = self.ask(NOBODY) else { panic!("it waits") };
        (token, number)
    }

    fn id(&self) -> String {
        self.approvals.list()[0].id.clone()
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
    assert!(ground.lets_in(NOBODY));
}

#[tokio::test]
async fn a_device_that_was_let_in_once_asks_again_and_one_for_good_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, number) = ground.asked();
    assert!((10..100).contains(&number));
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Waits(number)));
    assert!(ground.approvals.take(token.expose()).is_none(), "nobody said yes yet");
    assert!(ground.approvals.allow(&ground.id(), Answer::Once).await.unwrap());
    assert!(ground.approvals.list().is_empty());
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Allowed));
    assert!(matches!(ground.ask(NOBODY), Asked::Another(_)), "the yes is another device's");
    assert_eq!(ground.approvals.take(token.expose()).unwrap().1, Answer::Once);
    assert!(ground.approvals.take(token.expose()).is_none(), "used up");
    assert!(!ground.lets_in(Shown::Token(Some(token.expose()))));

    let (token, _) = ground.asked();
    assert!(ground.approvals.allow(&ground.id(), Answer::Always).await.unwrap());
    let shown = Shown::Token(Some(token.expose()));
    assert!(ground.lets_in(shown));
    let other = User { id: UserId(2), ..User::anna() };
    assert!(!ground.approvals.lets_in(&other, Level::Internet, &shown), "for the account that asked alone");
    let again = Approvals::load(ground.database.clone(), ground.clock.clone()).await.unwrap();
    again.set_policy(Policy::Always);
    assert!(again.lets_in(&ground.user, Level::Internet, &shown), "a restart");
    assert_eq!(again.devices.forget(|device| device.user == UserId(1)).await.unwrap(), 1);
    assert!(!again.lets_in(&ground.user, Level::Internet, &shown));
    let again = Approvals::load(ground.database.clone(), ground.clock.clone()).await.unwrap();
    assert!(again.devices.list().is_empty());
}

#[tokio::test]
async fn of_one_account_one_device_waits_and_a_no_gives_peace() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, number) = ground.asked();
    let Asked::Waits { token: same, number: again } = ground.ask(Shown::Token(Some(token.expose()))) else {
        panic!("the same device")
    };
    assert_eq!((same.expose(), again), (token.expose(), number));
    assert!(matches!(ground.ask(NOBODY), Asked::Another(_)));
    assert!(matches!(ground.ask(Shown::Token(Some("planted"))), Asked::Another(_)));
    assert!(matches!(ground.ask(Shown::Network(HERE)), Asked::Another(_)));
    assert!(ground.approvals.refuse(&ground.id()));
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Refused));
    assert!(ground.approvals.take(token.expose()).is_none());
    assert!(matches!(ground.ask(NOBODY), Asked::Refused(_)));
    assert!(matches!(ground.ask(Shown::Token(Some(token.expose()))), Asked::Refused(_)));
    assert!(!ground.approvals.refuse("0") && !ground.approvals.allow("0", Answer::Always).await.unwrap());
}

#[tokio::test]
async fn a_token_from_outside_becomes_no_device() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let Asked::Waits { token, .. } = ground.ask(Shown::Token(Some("planted"))) else { panic!("it waits") };
    assert_ne!(token.expose(), "planted");
    assert!(ground.approvals.allow(&ground.id(), Answer::Always).await.unwrap());
    assert!(ground.lets_in(Shown::Token(Some(token.expose()))));
    assert!(!ground.lets_in(Shown::Token(Some("planted"))));
}

#[tokio::test]
async fn a_program_is_let_in_from_one_network_and_for_one_account() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    for _ in 0..3 {
        assert!(matches!(ground.ask(Shown::Network(HERE)), Asked::ProgramWaits));
    }
    assert_eq!(ground.approvals.list().len(), 1);
    assert!(ground.approvals.allow(&ground.id(), Answer::Always).await.unwrap());
    assert!(ground.lets_in(Shown::Network(HERE)) && ground.approvals.devices.list().is_empty());
    assert!(!ground.lets_in(Shown::Network(Ipv4Addr::new(203, 0, 113, 10).into())));
    assert!(!ground.lets_in(NOBODY));
    let other = User { id: UserId(2), ..User::anna() };
    assert!(!ground.approvals.lets_in(&other, Level::Internet, &Shown::Network(HERE)));
    ground.user.withdrawn.cancel();
    assert!(!ground.lets_in(Shown::Network(HERE)), "the account changed");
}

#[tokio::test]
async fn an_account_that_changes_waits_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, _) = ground.asked();
    assert!(ground.approvals.allow(&ground.id(), Answer::Once).await.unwrap());
    ground.user.withdrawn.cancel();
    assert!(ground.approvals.take(token.expose()).is_none());
    assert_eq!(ground.approvals.standing(token.expose()), None);
}

#[tokio::test]
async fn what_cannot_be_saved_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, number) = ground.asked();
    let drop_it = |transaction: &rusqlite::Transaction<'_>| transaction.execute_batch("DROP TABLE device");
    ground.database.call(drop_it).await.unwrap();
    assert!(ground.approvals.allow(&ground.id(), Answer::Always).await.is_err());
    assert_eq!(ground.approvals.standing(token.expose()), Some(Standing::Waits(number)));
    assert!(!ground.lets_in(Shown::Token(Some(token.expose()))));
    assert!(ground.approvals.allow(&ground.id(), Answer::Once).await.unwrap(), "once needs no room");
}

#[tokio::test]
async fn a_device_nobody_used_for_long_or_of_a_clock_that_went_back_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::new(folder.path()).await;
    let (token, _) = ground.asked();
    assert!(ground.approvals.allow(&ground.id(), Answer::Always).await.unwrap());
    let shown = Shown::Token(Some(token.expose()));
    ground.time.fetch_sub(3600, Ordering::Relaxed);
    assert!(!ground.lets_in(shown));
    ground.time.fetch_add(3600 + LIFETIME.as_secs() - 1, Ordering::Relaxed);
    assert!(ground.lets_in(shown), "and seen now");
    ground.time.fetch_add(LIFETIME.as_secs() - 1, Ordering::Relaxed);
    assert!(ground.lets_in(shown));
    ground.time.fetch_add(LIFETIME.as_secs(), Ordering::Relaxed);
    assert!(!ground.lets_in(shown));
    ground.approvals.devices.tidy().await.unwrap();
    assert!(ground.approvals.devices.list().is_empty());
}
