//! The keyring of the operating system as the place of one thing: the root key of this installation.
//!
//! It reads, stores and tries; it does not decide what to do without a key, and it never makes one up: the vault does.
//! What matters most here is that a locked keyring is never taken for an empty one. On Linux the Secret Service says
//! "no such entry" in both cases (gnome-keyring 42, measured 2026-11: locked without our entry, and no login keyring at
//! all), so absence counts only after every collection was seen unlocked, before and after looking.
//!
//! Calls block, may show a dialog and may never come back. So each runs on a thread of its own with a deadline, and only
//! one at a time: an unanswered dialog holds up the next call instead of getting a second one beside it.

use crate::random::{self, NoRandomness};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use drawbridge_texts::{Sentence, Tell};
use secrecy::{ExposeSecret, SecretBox};
use std::{error::Error, thread, time::Duration};
use tokio::sync::{Semaphore, oneshot};
use zeroize::{Zeroize, Zeroizing};

/// What the keyring keeps: 256 random bits that wrap the data key. Wiped from memory when dropped, never printed.
#[derive(Debug)]
pub(crate) struct RootKey(SecretBox<[u8; KEY_BYTES]>);

/// The place of the root key of one installation.
#[derive(Clone, Debug)]
pub(crate) struct SystemKeyring {
    service: &'static str,
    installation: String,
}

/// Why the keyring cannot be used: a sentence for the owner each.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "not every system can be in every state"))]
pub(crate) enum KeyringError {
    /// No session bus, or one that refuses us.
    #[error("no session bus ({0})")]
    NoBus(#[source] Cause),
    /// A bus on which nobody keeps secrets, or no longer.
    #[error("no keyring program ({0})")]
    NoService(#[source] Cause),
    /// A keyring program that has nowhere to put a secret.
    #[error("the keyring program has no keyring")]
    NoCollection,
    /// Closed, and asking for its password was refused, dismissed or impossible.
    #[error("the keyring is locked")]
    Locked,
    /// No answer in time; it may still come and be acted on.
    #[error("the keyring did not answer in time")]
    TimedOut,
    /// The entry is not something we stored.
    #[error("the keyring's entry is no key")]
    Damaged,
    /// Several entries claim to be ours, and guessing could seal with the wrong one.
    #[error("the keyring has several entries")]
    Several,
    /// Anything else, in the words of the system.
    #[error("the keyring failed ({0})")]
    Platform(#[source] Cause),
}

impl Tell for KeyringError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::NoBus(_) => Sentence::new("keyring-no-bus"),
            Self::NoService(_) => Sentence::new("keyring-no-service"),
            Self::NoCollection => Sentence::new("keyring-no-collection"),
            Self::Locked => Sentence::new("keyring-locked"),
            Self::TimedOut => Sentence::new("keyring-timed-out").with("seconds", DEADLINE.as_secs()),
            Self::Damaged => Sentence::new("keyring-damaged"),
            Self::Several => Sentence::new("keyring-several"),
            Self::Platform(_) => Sentence::new("keyring-failed"),
        }
    }
}

/// What the system said.
type Cause = Box<dyn Error + Send + Sync>;

impl RootKey {
    /// A new key.
    ///
    /// # Errors
    /// When the operating system has no random numbers.
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        Ok(Self::from_bytes(&mut Zeroizing::new(random::bytes()?)))
    }

    /// Takes the bytes over and wipes where they were.
    pub(crate) fn from_bytes(bytes: &mut [u8; KEY_BYTES]) -> Self {
        let key = Self(SecretBox::new(Box::new(*bytes)));
        bytes.zeroize();
        key
    }

    /// The bytes, to wrap and unwrap with.
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }

    /// The form in the keyring: text, because not every keyring program gives binary back unchanged.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.expose()))
    }

    /// Reads that form.
    pub(crate) fn from_text(text: &[u8]) -> Result<Self, KeyringError> {
        let mut bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyringError::Damaged)?);
        let bytes = bytes.as_mut_slice().try_into().map_err(|_| KeyringError::Damaged)?;
        Ok(Self::from_bytes(bytes))
    }
}

impl SystemKeyring {
    /// The keyring entry of one installation; asks nobody yet.
    pub(crate) fn new(installation: &str) -> Self {
        Self { service: SERVICE, installation: installation.to_owned() }
    }

    /// The root key; `None` only where every keyring is open and none has it. May show one dialog to unlock.
    ///
    /// # Errors
    /// [`KeyringError`]; in doubt an error, never `None`.
    pub(crate) async fn load(&self) -> Result<Option<RootKey>, KeyringError> {
        let place = self.place("root-key");
        in_turn(move || {
            if let Some(key) = place.read_key()? {
                return Ok(Some(key));
            }
            system::unlock()?;
            let found = place.read_key()?;
            if found.is_none() {
                // A lock that fell while we looked would hide the entry from us.
                system::ensure_unlocked()?;
            }
            Ok(found)
        })
        .await
    }

    /// Keeps the root key, replacing an older one. After [`KeyringError::TimedOut`] it may still be stored later.
    ///
    /// # Errors
    /// [`KeyringError`]; nothing was stored then, save after [`KeyringError::TimedOut`].
    pub(crate) async fn store(&self, key: &RootKey) -> Result<(), KeyringError> {
        let (place, text) = (self.place("root-key"), key.to_text());
        in_turn(move || place.write(text.as_bytes())).await
    }

    /// Stores, reads back and deletes something worthless: the only proof that the keyring works.
    ///
    /// # Errors
    /// [`KeyringError`]; [`KeyringError::Damaged`] where it gave back something else.
    pub(crate) async fn probe(&self) -> Result<(), KeyringError> {
        let place = self.place("probe");
        in_turn(move || {
            let canary = random::token().map_err(|error| KeyringError::Platform(error.into()))?;
            place.write(canary.as_bytes())?;
            let found = place.read()?;
            place.delete()?;
            match found {
                Some(found) if *found == canary.as_bytes() => Ok(()),
                Some(_) | None => Err(KeyringError::Damaged),
            }
        })
        .await
    }

    fn place(&self, what: &str) -> Place {
        Place { service: self.service, user: format!("{what}/{}", self.installation) }
    }
}

/// One entry of the keyring; everything here blocks.
struct Place {
    service: &'static str,
    user: String,
}

impl Place {
    fn read_key(&self) -> Result<Option<RootKey>, KeyringError> {
        self.read()?.map(|text| RootKey::from_text(&text)).transpose()
    }

    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match self.entry()?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(explain(error)),
        }
    }

    fn write(&self, secret: &[u8]) -> Result<(), KeyringError> {
        self.entry()?.set_secret(secret).map_err(explain)
    }

    fn delete(&self) -> Result<(), KeyringError> {
        self.entry()?.delete_credential().map_err(explain)
    }

    fn entry(&self) -> Result<keyring::Entry, KeyringError> {
        system::entry(self.service, &self.user).map_err(explain)
    }
}

/// Runs a blocking call on a plain thread, after the one before it, within the deadline. A plain thread because zbus
/// may not block a tokio worker, and because a thread that never comes back must not eat one of a pool.
async fn in_turn<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let answered = async {
        let turn = TURN.acquire().await.map_err(|error| KeyringError::Platform(error.into()))?;
        let (answer, arrival) = oneshot::channel();
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let result = call();
                drop(turn);
                // Nobody listens any more after the deadline; a key in it is wiped on the way.
                let _unheard = answer.send(result);
            })
            .map_err(|error| KeyringError::Platform(error.into()))?;
        arrival.await.map_err(|error| KeyringError::Platform(error.into()))?
    };
    tokio::time::timeout(DEADLINE, answered).await.unwrap_or(Err(KeyringError::TimedOut))
}

/// What a failed call means. Causes that carry the bytes of an entry end here: they must not reach a log.
fn explain(error: keyring::Error) -> KeyringError {
    match error {
        keyring::Error::BadEncoding(mut bytes) | keyring::Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            KeyringError::Damaged
        }
        keyring::Error::Ambiguous(_) => KeyringError::Several,
        keyring::Error::PlatformFailure(cause) | keyring::Error::NoStorageAccess(cause) => {
            system::explain(cause)
        }
        other => KeyringError::Platform(other.into()),
    }
}

/// Linux and other Unixes: the Secret Service over the session bus.
#[cfg(all(unix, not(target_os = "macos")))]
mod system {
    use super::{Cause, KeyringError};
    use keyring_core::api::CredentialStoreApi;
    use secret_service::{EncryptionType, Error as ServiceError, blocking::SecretService};
    use zbus::DBusError;

    /// An entry over a connection of its own. `keyring::Entry::new` would keep its first connection for the life of the
    /// process: it never recovers from a bus or keyring that came late or was restarted, and an unanswered dialog
    /// would hold its lock for ever.
    pub(super) fn entry(service: &str, user: &str) -> keyring::Result<keyring::Entry> {
        let inner = zbus_secret_service_keyring_store::Store::new()?.build(service, user, None)?;
        Ok(keyring::Entry { inner })
    }

    /// Opens the default collection, with a dialog if it must, and sees that no other is closed.
    pub(super) fn unlock() -> Result<(), KeyringError> {
        let service = connect()?;
        match service.get_default_collection() {
            Ok(default) if default.is_locked().map_err(of_service)? => {
                default.unlock().map_err(of_service)?
            }
            // A missing one is told from a closed one below.
            Ok(_) | Err(ServiceError::NoResult) => {}
            Err(error) => return Err(of_service(error)),
        }
        ensure_unlocked()
    }

    /// Sees that there is a default collection and that none is closed; asks for no password. All count, because the
    /// default may have been another one when the key was stored, and not every service finds entries in closed ones.
    pub(super) fn ensure_unlocked() -> Result<(), KeyringError> {
        let service = connect()?;
        for collection in service.get_all_collections().map_err(of_service)? {
            if collection.is_locked().map_err(of_service)? {
                return Err(KeyringError::Locked);
            }
        }
        service.get_default_collection().map(drop).map_err(of_service)
    }

    pub(super) fn explain(cause: Cause) -> KeyringError {
        match cause.downcast::<ServiceError>() {
            Ok(error) => of_service(*error),
            Err(cause) => KeyringError::Platform(cause),
        }
    }

    fn connect<'a>() -> Result<SecretService<'a>, KeyringError> {
        SecretService::connect(EncryptionType::Plain).map_err(of_service)
    }

    fn of_service(error: ServiceError) -> KeyringError {
        match error {
            ServiceError::Locked | ServiceError::Prompt => KeyringError::Locked,
            // Said only where the default collection was asked for.
            ServiceError::NoResult => KeyringError::NoCollection,
            ServiceError::Unavailable => KeyringError::NoBus(error.into()),
            ServiceError::PromptDisconnected => KeyringError::NoService(error.into()),
            ServiceError::Zbus(error) => of_bus(error),
            ServiceError::ZbusFdo(zbus::fdo::Error::ZBus(error)) => of_bus(error),
            ServiceError::ZbusFdo(error) => of_name(error.name().as_str())(error.into()),
            other => KeyringError::Platform(other.into()),
        }
    }

    fn of_bus(error: zbus::Error) -> KeyringError {
        let meaning = match &error {
            zbus::Error::Address(_)
            | zbus::Error::Connection(..)
            | zbus::Error::Handshake(_)
            | zbus::Error::InputOutput(_) => KeyringError::NoBus,
            zbus::Error::MethodError(name, ..) => of_name(name.as_str()),
            zbus::Error::FDO(inner) => of_name(inner.name().as_str()),
            _ => KeyringError::Platform,
        };
        meaning(error.into())
    }

    /// What an error reply means, by its name on the bus (D-Bus 0.43 and Secret Service 0.2), never by its text.
    pub(super) fn of_name(name: &str) -> fn(Cause) -> KeyringError {
        match name {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.NoReply"
            | "org.freedesktop.DBus.Error.Timeout"
            | "org.freedesktop.DBus.Error.TimedOut" => KeyringError::NoService,
            "org.freedesktop.DBus.Error.Disconnected" => KeyringError::NoBus,
            "org.freedesktop.Secret.Error.IsLocked" => |_| KeyringError::Locked,
            start if start.starts_with("org.freedesktop.DBus.Error.Spawn.") => KeyringError::NoService,
            _ => KeyringError::Platform,
        }
    }
}

/// Windows and macOS: stores without a bus, in which an entry is found or certainly absent, locked or not.
#[cfg(any(windows, target_os = "macos"))]
mod system {
    use super::{Cause, KeyringError};

    pub(super) fn entry(service: &str, user: &str) -> keyring::Result<keyring::Entry> {
        keyring::Entry::new(service, user)
    }

    pub(super) fn unlock() -> Result<(), KeyringError> {
        Ok(())
    }

    pub(super) fn ensure_unlocked() -> Result<(), KeyringError> {
        Ok(())
    }

    #[cfg(windows)]
    pub(super) fn explain(cause: Cause) -> KeyringError {
        KeyringError::Platform(cause)
    }

    /// Codes of Apple's `SecBase.h`.
    #[cfg(target_os = "macos")]
    pub(super) fn explain(cause: Cause) -> KeyringError {
        match cause.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
            // errSecInteractionNotAllowed, errSecAuthFailed, errSecUserCanceled
            Some(-25308 | -25293 | -128) => KeyringError::Locked,
            // errSecNoSuchKeychain, errSecNoDefaultKeychain
            Some(-25294 | -25307) => KeyringError::NoCollection,
            // errSecNotAvailable
            Some(-25291) => KeyringError::NoService(cause),
            Some(_) | None => KeyringError::Platform(cause),
        }
    }
}

/// Bytes of the root key (AES-256).
const KEY_BYTES: usize = 32;
/// Name of the program in the keyring, as the owner sees it in the keyring's own window.
const SERVICE: &str = "org.drawbridge.Drawbridge";
/// How long the owner waits for a keyring; chosen, because a password can be typed in 30 seconds and a start without
/// secrets should not hang much longer. gnome-keyring answers within 0.1 s when it need not ask (measured 2026-11).
const DEADLINE: Duration = Duration::from_secs(30);
/// Whose turn it is. The one static here: dialogs belong to the session, so no second [`SystemKeyring`] of this process
/// may open another one either.
static TURN: Semaphore = Semaphore::const_new(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_survives_the_form_it_is_stored_in() {
        let key = RootKey::generate().unwrap();
        let text = key.to_text();
        assert!(text.len() <= 2560, "a Windows credential holds no more");
        assert_eq!(RootKey::from_text(text.as_bytes()).unwrap().expose(), key.expose());
    }

    #[test]
    fn everything_but_a_key_is_damage() {
        let good = RootKey::from_bytes(&mut [7; KEY_BYTES]).to_text();
        let (short, long) = (&good.as_bytes()[..42], format!("{}AAAA", *good));
        for text in
            [b"", b"hello".as_slice(), &[0xff; 32], short, long.as_bytes(), format!("{}\n", *good).as_bytes()]
        {
            assert!(matches!(RootKey::from_text(text), Err(KeyringError::Damaged)), "{text:?}");
        }
    }

    #[test]
    fn handing_over_a_key_wipes_its_source_and_prints_nothing() {
        let mut bytes = [231; KEY_BYTES];
        let key = RootKey::from_bytes(&mut bytes);
        assert_eq!(bytes, [0; KEY_BYTES]);
        assert!(!format!("{key:?}").contains("231"));
    }

    #[test]
    fn bytes_of_an_entry_do_not_reach_the_error() {
        for error in [
            keyring::Error::BadEncoding(vec![231; 32]),
            keyring::Error::BadDataFormat(vec![231; 32], "231".into()),
        ] {
            assert!(!format!("{:?}", explain(error)).contains("231"));
        }
    }

    #[test]
    fn sentences_say_what_happened_and_what_to_do() {
        let cause = || Cause::from("x");
        for error in [
            KeyringError::NoBus(cause()),
            KeyringError::NoService(cause()),
            KeyringError::NoCollection,
            KeyringError::Locked,
            KeyringError::TimedOut,
            KeyringError::Damaged,
            KeyringError::Several,
            KeyringError::Platform(cause()),
        ] {
            let sentence = crate::testing::said(&error.sentence());
            assert!(
                sentence.contains("; ") && !sentence.ends_with('.') && !sentence.contains('\n'),
                "{sentence}"
            );
        }
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn error_names_of_the_bus_are_understood() {
        let meaning = |name: &str| system::of_name(name)(Cause::from("x"));
        for name in ["ServiceUnknown", "NoReply", "Spawn.ChildExited", "Spawn.ExecFailed"] {
            let name = format!("org.freedesktop.DBus.Error.{name}");
            assert!(matches!(meaning(&name), KeyringError::NoService(_)), "{name}");
        }
        assert!(matches!(meaning("org.freedesktop.Secret.Error.IsLocked"), KeyringError::Locked));
        assert!(matches!(meaning("org.freedesktop.DBus.Error.AccessDenied"), KeyringError::Platform(_)));
    }
}
