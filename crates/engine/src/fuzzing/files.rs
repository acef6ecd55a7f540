//! Files of the owner: what is accepted is consistent in itself, and what we write of it reads as the same.

use super::text;
use crate::{
    certificates,
    clock::Timestamp,
    secrets::{
        KeyringChoice, Vault,
        keyring::RootKey,
        passphrase::{Create, PassphraseFile},
    },
    settings,
};
use drawbridge_protocol::Secret;
use secrecy::SecretSlice;
use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};
use tempfile::TempDir;

/// `settings.toml`.
pub fn settings(bytes: &[u8]) {
    let Ok(settings) = settings::parse(bytes) else { return };
    let written = toml::to_string(&settings).unwrap();
    assert_eq!(
        settings::parse(written.as_bytes()).as_ref(),
        Ok(&settings),
        "what we write reads as the same"
    );
    let mut ports: Vec<u16> = settings.ports().collect();
    let count = ports.len();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), count, "one port for two doors");
    for tool in &settings.tools {
        assert!(tool.network_target || tool.target.is_here());
        assert_eq!(settings.tool(tool.id.as_str()).map(|found| &found.id), Some(&tool.id));
        assert!(tool.until.is_none_or(|until| !tool.is_in_time(Timestamp(until))), "open at its end");
    }
}

/// One file with a chain and its key, as certificate tools make it.
pub fn certificate(bytes: &[u8]) {
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let Ok(imported) = certificates::check(bytes, &SecretSlice::from(bytes.to_vec()), now) else { return };
    assert!(!imported.names().is_empty());
    for host in imported.names().hosts().iter().filter(|host| !host.contains('*')) {
        assert!(imported.covers(host), "{host}");
    }
    for address in imported.names().addresses() {
        assert!(imported.covers(&address.to_string()), "{address}");
    }
    let leaf = imported.into_leaf();
    assert!(!leaf.is_expired(now));
    assert!(leaf.certified_key().is_ok(), "what was taken can be shown");
}

/// The root key as the keyring gives it back.
pub fn root_key(bytes: &[u8]) {
    let Ok(key) = RootKey::from_text(bytes) else { return };
    assert_eq!(key.to_text().as_bytes(), bytes, "there is one spelling of a key");
}

/// A passphrase file.
pub fn passphrase(bytes: &[u8]) {
    let folder = Folder::new();
    let file = folder.put("passphrase", bytes);
    let is_accepted = PassphraseFile::open(&file, &folder.home(), Create::No).is_ok();
    let content = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    assert_eq!(is_accepted, bytes.len() <= 4096 && !content.is_empty());
    assert_eq!(fs::read(&file).unwrap(), bytes, "it is the owner's and never written");
}

/// `keys.json`. No bytes make it open for a code that was never given out.
pub fn key_file(bytes: &[u8]) {
    let folder = Folder::new();
    fs::write(folder.home().join("keys.json"), bytes).unwrap();
    let vault = Vault::new(&folder.home(), KeyringChoice::PassphraseFile(folder.0.path().join("passphrase")));
    let has_code = vault.has_recovery_code();
    let code = Secret::new("0000-0000-0000-0000-0000-0000-0000-0000".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let recovered = runtime.block_on(vault.recover(&code));
    assert!(recovered.is_err(), "it opened");
    let field = text(bytes).and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    let field = field.and_then(|file| file.get("by_recovery_code").cloned());
    assert!(!has_code || field.is_some_and(|code| code.is_string()));
    assert!(!folder.0.path().join("passphrase").exists(), "nothing is made for a code that does not fit");
}

/// A home and a place beside it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self(folder)
    }

    fn home(&self) -> std::path::PathBuf {
        self.0.path().join("home")
    }

    /// A file only its owner can read.
    fn put(&self, name: &str, content: &[u8]) -> std::path::PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        narrow(&path);
        path
    }
}

#[cfg(unix)]
fn narrow(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn narrow(_: &Path) {}

/// The moment at which certificates are judged, so that kept inputs stay good: 2027-01-15.
const NOW: u64 = 1_800_000_000;
