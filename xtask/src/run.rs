//! `cargo xtask run`: the real program with a demo tool beside it, from a bare machine to a window, or without a display
//! to a share URL.
//!
//! State is separate from an installed Drawbridge: a home of its own under the target folder, and beside it (never inside)
//! the passphrase that stands in for the system's keyring.

use std::path::{Path, PathBuf};
use std::pin::pin;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::demo::Demo;
use crate::engine::{self, Engine, Installation};
use crate::parts::{self, Consent, Purpose};
use crate::places::{self, Places};
use crate::shell;
use crate::steps;

/// How to run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install what is missing without asking.
    #[arg(long)]
    yes: bool,
    /// Keep state in this folder instead of the target folder.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// The address of the local network to share on; by default this computer only.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    lan: Vec<String>,
    /// Only the engine, as on a server, also where there is a display.
    #[arg(long)]
    headless: bool,
}

/// Installs, builds, runs until Ctrl-C.
///
/// # Errors
/// When any of it fails; the engine and the demo tool are stopped then too.
pub(crate) fn run(options: &Options) -> Result<()> {
    let places = Places::find()?;
    if shell::display() && !options.headless {
        return desktop(&places, options);
    }
    parts::ensure(&places, &[Purpose::Run], Consent::from_flag(options.yes))?;
    build(&places, &["--bin", "drawbridge"])?;
    println!("This runs Drawbridge's engine without a window, as on a server.");
    let installation = prepare(&places, options, "drawbridge")?;
    crate::runtime()?.block_on(serve(&installation, &options.lan))
}

fn build(places: &Places, what: &[&str]) -> Result<()> {
    let mut cargo = shell::cargo();
    shell::run(cargo.args(["build", "--package", "drawbridge"]).args(what).current_dir(&places.root))
}

/// Tray and window, and a demo tool to share.
fn desktop(places: &Places, options: &Options) -> Result<()> {
    parts::ensure(places, &[Purpose::Run, Purpose::Window], Consent::from_flag(options.yes))?;
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        shell::run(steps::window(arguments).current_dir(&places.root))?;
    }
    build(places, &["--features", steps::DESKTOP, "--bins"])?;
    let installation = prepare(places, options, "drawbridge-desktop")?;
    crate::runtime()?.block_on(async {
        let demo = Demo::bind(0).await?;
        println!(
            "A demo tool to share runs at {}. Ctrl-C here, or Quit in the tray, stops everything.",
            demo.url()
        );
        let mut engine = Engine::show(&installation, &options.lan)?;
        let outcome = tokio::select! {
            // Quit in the tray.
            status = engine.ended() => return status.map(drop),
            outcome = demo.serve() => outcome,
            signal = asked_to_end() => signal,
        };
        eprintln!("\nStopping.");
        outcome.and(engine.stop().await)
    })
}

/// Makes the home and the passphrase file where there are none yet, and says what they are.
fn prepare(places: &Places, options: &Options, program: &str) -> Result<Installation> {
    let home = options.home.clone().unwrap_or_else(|| places.home());
    let home = std::path::absolute(&home)
        .with_context(|| format!("cannot understand the folder {}", home.display()))?;
    places::private_folder(&home)?;
    let passphrase = passphrase_beside(&home)?;
    println!("Its state is in {}, apart from an installed Drawbridge.", shell::shown(&home));
    println!(
        "Instead of the system's keyring, a generated passphrase in {} opens its secrets: fine for a trial, weaker than a keyring.",
        shell::shown(&passphrase)
    );
    Ok(Installation { program: engine::built(&places.program(program))?, home, passphrase })
}

/// The passphrase file lies beside its home, so that both are kept or deleted together.
fn passphrase_beside(home: &Path) -> Result<PathBuf> {
    let Some(name) = home.file_name() else {
        bail!("{} cannot be a home: it needs a folder beside it", home.display());
    };
    let mut keyring = name.to_owned();
    keyring.push("-keyring");
    let folder = home.with_file_name(keyring);
    places::private_folder(&folder)?;
    let file = folder.join("passphrase");
    if !file.exists() {
        places::private_file(&file, &format!("{}\n", passphrase()?))?;
    }
    Ok(file)
}

async fn serve(installation: &Installation, lan: &[String]) -> Result<()> {
    let demo = Demo::bind(0).await?;
    let target = demo.url();
    let mut end = pin!(asked_to_end());
    let mut engine = tokio::select! {
        engine = Engine::start(installation, lan) => engine?,
        signal = &mut end => return signal,
    };
    let outcome = tokio::select! {
        outcome = share_and_stay(installation, &target) => outcome,
        outcome = demo.serve() => outcome,
        status = engine.ended() => match status {
            Ok(status) => bail!("the engine ended by itself ({status}); what it said is above"),
            Err(error) => Err(error),
        },
        signal = &mut end => signal,
    };
    eprintln!("\nStopping.");
    // The first failure is the one to tell; a failure to stop matters when there was none before.
    let stopped = engine.stop().await;
    outcome.and(stopped)
}

/// Shares the demo tool, says how to reach it, and never comes back unless something failed.
async fn share_and_stay(installation: &Installation, target: &str) -> Result<()> {
    let password = user(installation).await?;
    tool(installation, target).await?;
    installation.ask(&["level", TOOL, "lan"], "").await?;
    let answer = installation.ask(&["url", TOOL], "").await?;
    let url = answer.lines().next().context("`drawbridge url` printed no address")?;
    let drawbridge =
        format!("{} --home {}", shell::shown(&installation.program), shell::shown(&installation.home));
    println!(
        "
The demo tool is shared:

  share URL  {url}
  user       {USER}
  password   {password}

The browser will warn: this installation signs its own certificates, and nobody trusts it yet. Go on for a trial, or save
its authority and import it as a trusted one (delete it there afterwards):

  {drawbridge} certificate export-ca > drawbridge-ca.pem

The tool itself, without a lock, is at {target} on this computer. Other commands work while this runs, for example:

  {drawbridge} status

Ctrl-C stops everything."
    );
    std::future::pending().await
}

/// The demo user with a new password: passwords are never kept here, so an older one is unknown.
async fn user(installation: &Installation) -> Result<String> {
    let password = passphrase()?;
    let exists = installation.list(&["user", "list"]).await?.iter().any(|user| user["name"] == USER);
    let arguments: &[&str] = if exists { &["user", "passwd", USER] } else { &["user", "add", USER] };
    installation.ask(&[arguments, &["--password-stdin"]].concat(), &format!("{password}\n")).await?;
    Ok(password)
}

/// The demo tool at its present port; an entry from an earlier run points to another one.
async fn tool(installation: &Installation, target: &str) -> Result<()> {
    let tools = installation.list(&["tool", "list"]).await?;
    if let Some(known) = tools.iter().find(|tool| tool["name"] == TOOL) {
        if known["target"].as_str().is_some_and(|known| same_target(known, target)) {
            return Ok(());
        }
        installation.ask(&["tool", "remove", TOOL], "").await?;
    }
    installation.ask(&["tool", "add", TOOL, target], "").await?;
    Ok(())
}

fn same_target(left: &str, right: &str) -> bool {
    left.trim_end_matches('/') == right.trim_end_matches('/')
}

/// Ctrl-C, or a polite end asked for by another program.
async fn asked_to_end() -> Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        tokio::select! {
            ended = tokio::signal::ctrl_c() => ended.context("cannot listen for Ctrl-C"),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.context("cannot listen for Ctrl-C")
}

/// Twenty letters and digits that are not mistaken for each other, in groups: 100 bits.
fn passphrase() -> Result<String> {
    let mut random = [0_u8; 20];
    if let Err(error) = getrandom::fill(&mut random) {
        bail!("the system gives no random numbers: {error}");
    }
    let letters: Vec<char> =
        random.iter().filter_map(|byte| ALPHABET.chars().nth(usize::from(*byte) % ALPHABET.len())).collect();
    Ok(letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}

/// 32 characters, so that a byte picks each equally often.
const ALPHABET: &str = "abcdefghijkmnpqrstuvwxyz23456789";

/// The user the demo tool is shared with.
const USER: &str = "demo";

/// The demo tool's name.
const TOOL: &str = "Demo";

#[cfg(test)]
mod tests {
    use super::{ALPHABET, passphrase};

    #[test]
    fn passphrases_are_long_enough_for_the_internet_level_and_never_the_same() {
        let [first, second] =
            [passphrase(), passphrase()].map(|passphrase| passphrase.expect("random numbers"));
        assert_eq!(first.len(), 24);
        assert_ne!(first, second);
        assert!(first.chars().all(|letter| letter == '-' || ALPHABET.contains(letter)));
        assert_eq!(256 % ALPHABET.len(), 0, "a byte picks every letter equally often");
    }
}
