//! The real `drawbridge` as a child: start it, wait until it is ready, ask it things with its own command line, stop it.
//!
//! Everything goes through the documented contract (`serve`, `--json`, exit codes), as a script of a user would.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Which program, with which state.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    /// The built `drawbridge`.
    pub(crate) program: PathBuf,
    /// Its home folder.
    pub(crate) home: PathBuf,
    /// The file with the passphrase that stands in for the keyring; outside the home.
    pub(crate) passphrase: PathBuf,
}

impl Installation {
    /// The command with the options every command takes, and no state of the developer's own installation.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(&self.home).arg("--keyring").arg(self.keyring()).kill_on_drop(true);
        for variable in ["DRAWBRIDGE_HOME", "DRAWBRIDGE_KEYRING"] {
            command.env_remove(variable);
        }
        command
    }

    /// What `--keyring` says.
    pub(crate) fn keyring(&self) -> String {
        format!("passphrase-file={}", self.passphrase.display())
    }

    /// Runs one command to its end; its answer is what it printed. `input` is what it reads, for passwords.
    ///
    /// # Errors
    /// When it does not start, takes too long or says no: then with the sentence it said.
    pub(crate) async fn ask(&self, arguments: &[&str], input: &str) -> Result<String> {
        let words = arguments.join(" ");
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `drawbridge {words}`"))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may have closed its end already; its exit code tells what matters.
            let _closed = stdin.write_all(input.as_bytes()).await;
        }
        let output = timeout(ANSWER, child.wait_with_output())
            .await
            .with_context(|| format!("`drawbridge {words}` did not answer within {} s", ANSWER.as_secs()))?
            .with_context(|| format!("cannot read the answer of `drawbridge {words}`"))?;
        if !output.status.success() {
            bail!("`drawbridge {words}` said no: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout)
            .with_context(|| format!("the answer of `drawbridge {words}` is no text"))
    }

    /// Runs one command with `--json`; its answer is a list.
    ///
    /// # Errors
    /// As [`Self::ask`], and when the answer is no JSON list.
    pub(crate) async fn list(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        let words = arguments.join(" ");
        let answer = self.ask(&[arguments, &["--json"]].concat(), "").await?;
        serde_json::from_str(&answer)
            .with_context(|| format!("`drawbridge {words} --json` did not print a list"))
    }
}

/// A running engine. Dropped without [`Engine::stop`], it is killed.
#[derive(Debug)]
pub(crate) struct Engine {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Engine {
    /// Starts the desktop program with its window open; it says nothing on standard output.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn show(installation: &Installation, lan: &[String]) -> Result<Self> {
        Self::spawn(installation, &["--window"], lan)
    }

    /// Starts it and waits for its line `ready …`.
    ///
    /// # Errors
    /// When it does not start, ends, or is not ready in time.
    pub(crate) async fn start(installation: &Installation, lan: &[String]) -> Result<Self> {
        let mut engine = Self::spawn(installation, &["serve"], lan)?;
        timeout(READY, engine.ready())
            .await
            .with_context(|| format!("the engine was not ready within {} s", READY.as_secs()))??;
        Ok(engine)
    }

    fn spawn(installation: &Installation, arguments: &[&str], lan: &[String]) -> Result<Self> {
        let mut command = installation.command();
        command.args(arguments);
        for address in lan {
            command.args(["--lan", address]);
        }
        // A process group of its own: Ctrl-C reaches us alone, and we end the engine in our own order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", installation.program.display()))?;
        let output = child.stdout.take().context("the engine has no output to read")?;
        Ok(Self { child, lines: BufReader::new(output).lines() })
    }

    async fn ready(&mut self) -> Result<()> {
        while let Some(line) = self.lines.next_line().await.context("cannot read what the engine prints")? {
            if line.starts_with("ready ") {
                return Ok(());
            }
            println!("{line}");
        }
        let status = self.child.wait().await.context("cannot wait for the engine")?;
        bail!("the engine ended before it was ready ({status}); what it said is above")
    }

    /// Shows what it prints until it ends by itself.
    ///
    /// # Errors
    /// When its output or its end cannot be read.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        while let Some(line) = self.lines.next_line().await.context("cannot read what the engine prints")? {
            println!("{line}");
        }
        self.child.wait().await.context("cannot wait for the engine")
    }

    /// Asks it to end, waits for it, and kills it only when it does not.
    ///
    /// # Errors
    /// When it had to be killed, or did not end well.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.ask_to_end();
        match timeout(STOP, self.ended()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => bail!("the engine did not end well ({status})"),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.child.kill().await.context("cannot kill the engine")?;
                bail!("the engine did not end within {} s and was killed", STOP.as_secs())
            }
        }
    }

    #[cfg(unix)]
    fn ask_to_end(&self) {
        let process =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(process) = process {
            // It may have ended in this moment: waiting for it tells.
            let _ended = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
    }

    /// Windows knows no such request for a program without a window; a kill is what is left.
    #[cfg(not(unix))]
    fn ask_to_end(&mut self) {
        let _ended = self.child.start_kill();
    }
}

/// The built program, or what to do when it is not there.
///
/// # Errors
/// When there is no such file.
pub(crate) fn built(program: &Path) -> Result<PathBuf> {
    if !program.is_file() {
        bail!("{} was not built; is a cargo configuration building for another system?", program.display());
    }
    Ok(program.to_owned())
}

/// How long until the engine is ready (chosen: an unoptimised build makes keys and opens a database within seconds).
const READY: Duration = Duration::from_secs(60);

/// How long one command may take (chosen: an unoptimised password hash takes seconds on a small machine).
const ANSWER: Duration = Duration::from_secs(60);

/// How long the engine may take to drain its connections (chosen: twice what it promises at most).
const STOP: Duration = Duration::from_secs(20);
