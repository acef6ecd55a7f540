//! What may never be built into any of our programs, and what must at least be there, whatever else changes.
//!
//! `cargo deny` looks at the same with more detail; this needs nothing but cargo, so it also fails on a plain `cargo test`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use toml::Table;

/// One TLS library with one provider; no system OpenSSL to depend on.
const BANNED: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls", "rustls-pemfile"];

/// The first version without a known hole, or the first with what we rely on. Those not built yet are named all the same.
const AT_LEAST: &[(&str, [u64; 3])] = &[
    ("hyper", [1, 11, 0]),
    ("h2", [0, 4, 16]),
    ("rustls", [0, 23, 18]),
    ("rustls-webpki", [0, 103, 13]),
    ("tokio", [1, 44, 2]),
    ("bytes", [1, 11, 1]),
    ("bcrypt", [0, 19, 2]),
    ("russh", [0, 60, 3]),
    ("quinn-proto", [0, 11, 15]),
    ("tauri", [2, 11, 1]),
    ("time", [0, 3, 47]),
    ("hickory-proto", [0, 26, 1]),
];

/// Those of the table the program cannot be without: their absence means that this test reads the wrong file.
const CERTAIN: &[&str] = &["hyper", "h2", "rustls", "rustls-webpki", "tokio", "bytes", "time"];

/// Asks for what is built rather than for what is locked: cargo also locks crates behind features nobody turns on (`ring`
/// behind rustls-webpki is one).
#[test]
fn banned_crates_are_absent() -> Result<()> {
    let built = built()?;
    assert!(built.contains("rustls"), "`cargo tree` did not list our dependencies");
    let present: Vec<&&str> = BANNED.iter().filter(|name| built.contains(**name)).collect();
    assert!(
        present.is_empty(),
        "banned: {present:?}; `cargo tree --target all -i NAME` says who asks for them"
    );
    Ok(())
}

#[test]
fn minimum_versions_hold() -> Result<()> {
    let locked = locked()?;
    for name in CERTAIN {
        assert!(locked.contains_key(*name), "{name} is not in Cargo.lock");
    }
    for (name, least) in AT_LEAST {
        for version in locked.get(*name).into_iter().flatten() {
            assert!(numbers(version) >= *least, "{name} {version} is older than {least:?}");
        }
    }
    Ok(())
}

#[test]
fn everything_comes_from_the_registry_or_from_here() -> Result<()> {
    for package in packages()? {
        let source = package.get("source").and_then(toml::Value::as_str).unwrap_or("registry+");
        assert!(source.starts_with("registry+"), "{:?} comes from {source}", package.get("name"));
    }
    Ok(())
}

/// The names of all crates built on any system, tests and build scripts included.
fn built() -> Result<BTreeSet<String>> {
    let output = Command::new(std::env::var_os("CARGO").context("cargo names itself to tests")?)
        .args(["tree", "--workspace", "--target", "all", "--edges", "normal,build,dev", "--prefix", "none"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .context("cannot start `cargo tree`")?;
    ensure!(output.status.success(), "`cargo tree` failed: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).context("`cargo tree` prints text")?;
    Ok(lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// All versions of every locked crate.
fn locked() -> Result<BTreeMap<String, Vec<String>>> {
    let mut locked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages()? {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        locked.entry(text("name")).or_default().push(text("version"));
    }
    Ok(locked)
}

fn packages() -> Result<Vec<Table>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let lock: Table = text.parse().context("cannot read Cargo.lock as TOML")?;
    let packages =
        lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock names no packages")?;
    Ok(packages.iter().filter_map(|package| package.as_table().cloned()).collect())
}

/// Major, minor, patch; what follows a `-` or `+` is no part of the order here.
fn numbers(version: &str) -> [u64; 3] {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}
