use super::*;
use crate::{
    clock::Timestamp,
    identity::{
        password::Hasher,
        second_factor::{
            passkey::{Credential, Stored},
            recovery::NewCodes,
            webauthn::authenticator::{Authenticator, HERE},
        },
        session,
        user::Proof,
    },
};
use drawbridge_protocol::Level;
use std::path::Path;

const BROWSER: &str = "the cookie of this browser";

/// Anna with two keys, of which the second did not make sure who holds it when it was added.
struct Ground {
    verifier: Verifier,
    sign_in: SignIn,
    user: Arc<User>,
    key: Authenticator,
    other: Authenticator,
}

fn purpose(act: Act) -> Purpose<'static> {
    Purpose { act, level: Level::Lan, origin: HERE.origin, browser: BROWSER }
}

fn passkey(key: &Authenticator, verified: bool) -> Arc<Passkey> {
    let name = String::from_utf8(key.credential.clone()).unwrap();
    let credential = Credential { id: key.credential.clone(), key: key.cose(), verified, handle: Vec::new() };
    let stored =
        Stored { id: name.clone(), name, rp: HERE.rp.to_owned(), created: Timestamp(0), last_used: None };
    Arc::new(Passkey::new(stored, credential))
}

impl Ground {
    async fn new(folder: &Path) -> Self {
        let database = Database::open(&folder.join("drawbridge.db"), Timestamp(0)).unwrap().database;
        let rows = "INSERT INTO user (id, name, admin, password, created) VALUES (1, 'anna', 0, x'00', 0);
                    INSERT INTO passkey VALUES ('one', 1, 'one', 'home.test', x'00', 0, 0, NULL);
                    INSERT INTO passkey VALUES ('two', 1, 'two', 'home.test', x'00', 0, 0, NULL);";
        database.call(move |transaction| transaction.execute_batch(rows)).await.unwrap();
        let (key, other) = (Authenticator::new(b"one"), Authenticator::new(b"two"));
        let passkeys = vec![passkey(&key, true), passkey(&other, false)];
        let recovery = NewCodes::generate().unwrap().recovery();
        let second = SecondFactor { totp: None, passkeys, recovery };
        let user = Arc::new(User { second: Some(Arc::new(second)), ..User::anna() });
        let sign_in = SignIn::new(Hasher::new().unwrap()).unwrap();
        let verifier = Verifier::new(database, Clock::system()).unwrap();
        Self { verifier, sign_in, user, key, other }
    }

    fn challenge(&self, act: Act) -> String {
        self.verifier.challenges.begin(&purpose(act)).unwrap()
    }

    async fn show(&self, assertion: &Assertion, purpose: Purpose<'_>) -> Outcome {
        let answer = Evidence::Key(Answer { assertion, site: HERE, purpose });
        self.verifier.verify(&self.sign_in, &self.user, answer, || true).await
    }

    /// A new challenge, answered with the key and shown.
    async fn asked(&self, act: Act, key: &Authenticator) -> Outcome {
        self.show(&key.answer(&self.challenge(act)), purpose(act)).await
    }

    async fn counter(&self) -> i64 {
        let counter = "SELECT counter FROM passkey WHERE id = 'one'";
        self.verifier.database.call(|it| it.query_row(counter, [], |row| row.get(0))).await.unwrap()
    }
}

macro_rules! ground {
    ($ground:ident) => {
        let folder = tempfile::tempdir().unwrap();
        #[allow(unused_mut, reason = "some tests change the key")]
        let mut $ground = Ground::new(folder.path()).await;
    };
}

#[tokio::test]
async fn right_answers_get_in_and_are_noted() {
    ground!(ground);
    for act in [Act::SignIn, Act::After, Act::Change] {
        assert!(matches!(ground.asked(act, &ground.key).await, Outcome::Right), "{act:?}");
    }
    assert!(ground.user.second.as_ref().unwrap().passkeys[0].last_used().is_some());
    assert!(ground.user.second.as_ref().unwrap().passkeys[1].last_used().is_none());
    assert!(matches!(ground.asked(Act::After, &ground.other).await, Outcome::Right));
}

#[tokio::test]
async fn answer_shown_twice_opens_once_also_at_the_same_moment() {
    ground!(ground);
    let answer = ground.key.answer(&ground.challenge(Act::SignIn));
    let here = purpose(Act::SignIn);
    let (one, two) = tokio::join!(ground.show(&answer, here), ground.show(&answer, here));
    let right = [&one, &two].into_iter().filter(|outcome| matches!(outcome, Outcome::Right)).count();
    assert_eq!(right, 1, "{one:?} {two:?}");
    assert!(matches!(ground.show(&answer, here).await, Outcome::Wrong));
}

#[tokio::test]
async fn old_answer_is_wrong_and_makes_nobody_wait() {
    ground!(ground);
    let answer = ground.key.answer(&ground.challenge(Act::SignIn));
    ground.verifier.challenges.pass(Duration::from_secs(300));
    assert!(matches!(ground.show(&answer, purpose(Act::SignIn)).await, Outcome::Wrong));
    let made_up = ground.key.answer("Y2hhbGxlbmdl");
    assert!(matches!(ground.show(&made_up, purpose(Act::SignIn)).await, Outcome::Wrong));
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Right));
}

#[tokio::test]
async fn answer_of_another_browser_level_or_page_is_wrong() {
    ground!(ground);
    let here = purpose(Act::SignIn);
    for other in [
        Purpose { browser: "another", ..here },
        Purpose { level: Level::Internet, ..here },
        Purpose { act: Act::After, ..here },
        Purpose { origin: "https://home.test:8444", ..here },
    ] {
        let answer = ground.key.answer(&ground.challenge(Act::SignIn));
        assert!(matches!(ground.show(&answer, other).await, Outcome::Wrong), "{other:?}");
        assert!(matches!(ground.show(&answer, here).await, Outcome::Right));
    }
}

#[tokio::test]
async fn wrong_origin_name_or_signature_is_wrong_and_counts() {
    for change in [
        |key: &mut Authenticator| "https://home.test:8444".clone_into(&mut key.origin),
        |key: &mut Authenticator| "evil.test".clone_into(&mut key.rp),
        |key: &mut Authenticator| key.tamper = 1,
        |key: &mut Authenticator| key.flags = 0x04,
        |key: &mut Authenticator| key.credential = b"two".to_vec(),
        |key: &mut Authenticator| key.credential = b"three".to_vec(),
    ] {
        ground!(ground);
        change(&mut ground.key);
        assert!(matches!(ground.asked(Act::After, &ground.key).await, Outcome::Wrong));
        assert_eq!(ground.counter().await, 0);
    }
    ground!(ground);
    ground.key.tamper = 1;
    assert!(matches!(ground.asked(Act::After, &ground.key).await, Outcome::Wrong));
    ground.key.tamper = 0;
    assert!(matches!(ground.asked(Act::After, &ground.key).await, Outcome::Wait(_)));
}

#[tokio::test]
async fn answers_made_up_by_strangers_make_no_code_wait_for_long() {
    ground!(ground);
    ground.key.tamper = 1;
    // One more wrong code and the long pauses begin.
    for _ in 0..4 {
        ground.verifier.patience.wrong(&ground.user);
    }
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Wrong));
    assert!(ground.verifier.patience.left(&ground.user).is_none());
    ground.verifier.patience.wrong(&ground.user);
    assert!(ground.verifier.patience.left(&ground.user).is_some());
}

#[tokio::test]
async fn key_alone_must_make_sure_who_holds_it_now_and_when_it_was_added() {
    ground!(ground);
    ground.key.flags = 0x01;
    assert!(matches!(ground.asked(Act::After, &ground.key).await, Outcome::Right));
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Wrong));
    ground!(ground);
    assert!(matches!(ground.asked(Act::SignIn, &ground.other).await, Outcome::Wrong));
}

#[tokio::test]
async fn counter_only_goes_up() {
    ground!(ground);
    for (counter, right) in [(5, true), (6, true)] {
        ground.key.counter = counter;
        assert_eq!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Right), right);
    }
    for counter in [6, 5, 0] {
        ground!(again);
        std::mem::swap(&mut ground.key, &mut again.key);
        let known = "UPDATE passkey SET counter = 6 WHERE id = 'one'";
        again.verifier.database.call(|it| it.execute(known, [])).await.unwrap();
        again.user = Arc::clone(&ground.user);
        again.key.counter = counter;
        assert!(matches!(again.asked(Act::SignIn, &again.key).await, Outcome::Wrong), "{counter}");
        assert_eq!(again.counter().await, 6);
        std::mem::swap(&mut ground.key, &mut again.key);
    }
}

#[tokio::test]
async fn nothing_opens_that_is_not_saved_or_is_over() {
    ground!(ground);
    let answer = ground.key.answer(&ground.challenge(Act::SignIn));
    let shown = Answer { assertion: &answer, site: HERE, purpose: purpose(Act::SignIn) };
    let over = ground.verifier.verify(&ground.sign_in, &ground.user, Evidence::Key(shown), || false).await;
    assert!(matches!(over, Outcome::Over));
    ground.verifier.database.call(|it| it.execute("DELETE FROM passkey WHERE id = 'one'", [])).await.unwrap();
    assert!(matches!(ground.show(&answer, purpose(Act::SignIn)).await, Outcome::Wrong), "removed on disk");
    ground!(ground);
    let moved = "INSERT INTO user (id, name, admin, password, created) VALUES (2, 'bert', 0, x'00', 0);
                 UPDATE passkey SET user = 2 WHERE id = 'one'";
    ground.verifier.database.call(|it| it.execute_batch(moved)).await.unwrap();
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Wrong), "another's on disk");
    ground!(ground);
    ground.verifier.database.call(|it| it.execute_batch("DROP TABLE passkey")).await.unwrap();
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Busy));
    ground!(ground);
    ground.user.withdrawn.cancel();
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Over));
}

#[tokio::test]
async fn one_account_opens_no_more_than_it_may_in_that_time() {
    ground!(ground);
    let here = purpose(Act::SignIn);
    while let Some(good) = ground.verifier.challenges.find(&ground.challenge(Act::SignIn), &here) {
        if !ground.verifier.challenges.spend(good, ground.user.id) {
            break;
        }
    }
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Wrong));
    ground.verifier.challenges.pass(Duration::from_secs(300));
    ground.sign_in = SignIn::new(Hasher::new().unwrap()).unwrap();
    assert!(matches!(ground.asked(Act::SignIn, &ground.key).await, Outcome::Right));
}

#[tokio::test]
async fn weak_password_with_a_passkey_is_enough_for_the_internet() {
    ground!(ground);
    let proof = Proof::new(Secret::new(String::new()), false);
    let weak = |second| User { proof: proof.clone(), second, ..User::anna() };
    assert!(!session::may_begin(&weak(None), Level::Internet));
    let with = weak(ground.user.second.clone());
    assert!(session::may_begin(&with, Level::Internet));
    assert_eq!(with.factors().collect::<Vec<_>>(), ["password", "passkey"]);
}
