//! A private session bus with or without a real gnome-keyring, for tests of what Drawbridge does with the keyring.
//!
//! Everything lives in one temporary folder with its own `HOME` and `XDG_RUNTIME_DIR`; nothing of the desktop of whoever
//! runs the tests is read or touched. There is no display, so a dialog fails at once; only [`Keyring::LockedAsking`] has
//! one, on which the real dialog waits. It starts no engine: give [`SessionBus::environment`] to that child.
//!
//! Needs `dbus-daemon`, `gdbus` and `gnome-keyring-daemon` in the path, for the dialog also `Xvfb` and gcr. Each daemon runs under a shell that holds the
//! read end of a pipe of ours: when this process ends, however it ends, the shell kills its whole process group.

use std::fs::{self, DirBuilder, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;

/// What answers for the Secret Service on the private bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyring {
    /// Nobody, and nobody can be started: a bus without a Secret Service.
    Absent,
    /// Nobody yet; the bus starts gnome-keyring when it is asked for, as on a server one logs in to over SSH.
    Activated,
    /// gnome-keyring runs and has no login keyring yet.
    Empty,
    /// gnome-keyring runs with the login keyring open; the first start creates it.
    Unlocked,
    /// gnome-keyring runs, the login keyring exists and is locked.
    Locked,
    /// The same, started with a password that is not the right one.
    WrongPassword,
    /// Locked, and a request to unlock opens gcr's dialog on a display that nobody looks at.
    LockedAsking,
}

/// Whether there is a display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    WhereADialogIs,
    #[cfg(feature = "gui")]
    Yes,
}

/// A session bus of its own; dropped, it takes its daemons and its folder with it.
#[derive(Debug)]
pub(crate) struct SessionBus {
    // Declared in the order they must go: keyring, bus, display, folder.
    keyring: Option<Daemon>,
    bus: Option<Daemon>,
    display: Option<Display>,
    folder: TempDir,
}

impl SessionBus {
    /// Starts the bus and brings the keyring into the asked state; ready when it returns.
    pub(crate) fn start(keyring: Keyring) -> anyhow::Result<Self> {
        Self::begin(keyring, Screen::WhereADialogIs)
    }

    /// The same with a display for programs with windows.
    #[cfg(feature = "gui")]
    pub(crate) fn with_display(keyring: Keyring) -> anyhow::Result<Self> {
        Self::begin(keyring, Screen::Yes)
    }

    fn begin(keyring: Keyring, screen: Screen) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("session-bus").tempdir()?;
        for name in ["home", "run", "services"] {
            DirBuilder::new().mode(0o700).create(folder.path().join(name))?;
        }
        let mut this = Self { keyring: None, bus: None, display: None, folder };
        this.write_configuration(keyring)?;
        #[cfg(feature = "gui")]
        if screen == Screen::Yes {
            // Real panels and window managers of Xfce keep their settings behind the bus.
            fs::copy(XFCONF, this.path("services/xfconf.service"))
                .context("copying xfconf's service file")?;
        }
        if screen != Screen::WhereADialogIs || keyring == Keyring::LockedAsking {
            // Without the last option it starts anew when its last client leaves, and turns away whoever comes in that moment.
            let screen = ["-screen", "0", "1280x900x24", "-noreset"];
            let xvfb = [&["Xvfb", "-displayfd", "1", "-nolisten", "tcp"], &screen[..]].concat();
            let mut daemon = this.daemon(&xvfb, None)?;
            let number = this.first_line(&mut daemon)?;
            this.display = Some(Display { name: format!(":{number}"), _daemon: daemon });
        }
        let configuration = format!("--config-file={}", this.path("bus.conf").display());
        let mut bus = this.daemon(&["dbus-daemon", "--nofork", "--print-address", &configuration], None)?;
        this.first_line(&mut bus)?;
        this.bus = Some(bus);
        this.restart_keyring(keyring)?;
        Ok(this)
    }

    /// What a child needs in its environment to live on this bus; take `DISPLAY` and `WAYLAND_DISPLAY` away from it, too.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let home = self.path("home");
        [
            ("HOME", home.clone()),
            ("XDG_DATA_HOME", home.join(".local/share")),
            ("XDG_CONFIG_HOME", home.join(".config")),
            ("XDG_CACHE_HOME", home.join(".cache")),
            ("XDG_RUNTIME_DIR", self.path("run")),
        ]
        .into_iter()
        .map(|(name, path)| (name.to_owned(), path.display().to_string()))
        .chain([("DBUS_SESSION_BUS_ADDRESS".to_owned(), self.address())])
        .collect()
    }

    /// The display's name, such as `:4`; empty where there is none.
    #[cfg(feature = "gui")]
    pub(crate) fn display(&self) -> &str {
        self.display.as_ref().map_or("", |display| &display.name)
    }

    /// Where the bus listens.
    #[cfg(feature = "gui")]
    pub(crate) fn bus_address(&self) -> String {
        self.address()
    }

    /// Locks the login keyring while its daemon keeps running, as a screen lock may.
    pub(crate) fn lock_collection(&self) -> anyhow::Result<()> {
        self.call(SERVICE_PATH, "org.freedesktop.Secret.Service.Lock", &[&format!("['{LOGIN_PATH}']")])?;
        ensure!(self.is_locked()?, "gnome-keyring said yes and did not lock");
        Ok(())
    }

    /// Opens the login keyring again. Only a restart can do that without a prompt.
    pub(crate) fn unlock_collection(&mut self) -> anyhow::Result<()> {
        self.restart_keyring(Keyring::Unlocked)
    }

    /// Ends the daemon, if one runs, and starts it in another state on the same keyring files.
    pub(crate) fn restart_keyring(&mut self, keyring: Keyring) -> anyhow::Result<()> {
        self.stop_keyring()?;
        let (locked, password) = match keyring {
            Keyring::Absent | Keyring::Activated => return Ok(()),
            Keyring::Empty => return self.start_keyring(None),
            Keyring::Unlocked => (false, Some(PASSWORD)),
            Keyring::Locked | Keyring::LockedAsking => (true, None),
            Keyring::WrongPassword => (true, Some("not the password")),
        };
        if locked && !self.path(LOGIN_FILE).exists() {
            self.restart_keyring(Keyring::Unlocked)?;
            self.stop_keyring()?;
        }
        self.start_keyring(password)?;
        ensure!(
            self.is_locked()? == locked,
            "gnome-keyring came up in another state than {keyring:?}; {}",
            self.log()
        );
        Ok(())
    }

    /// Ends the dialog that [`Keyring::LockedAsking`] opened, as closing its window would; fails where there is none.
    pub(crate) fn dismiss_dialog(&self) -> anyhow::Result<()> {
        let said = self.call_bus("org.freedesktop.DBus.GetConnectionUnixProcessID", &[PROMPTER_NAME])?;
        let number = said.split(|letter: char| !letter.is_ascii_digit()).rfind(|digits| !digits.is_empty());
        let number = number.with_context(|| format!("no process in {said}"))?.parse()?;
        let dialog = rustix::process::Pid::from_raw(number).context("a process of nobody")?;
        rustix::process::kill_process(dialog, rustix::process::Signal::KILL)?;
        self.until_nobody_owns(PROMPTER_NAME)
    }

    /// A keyring that was never used before, unlocked, in the place of this one.
    pub(crate) fn forget_keyring(&mut self) -> anyhow::Result<()> {
        self.stop_keyring()?;
        fs::remove_file(self.keyring_file()).context("removing the keyring")?;
        self.restart_keyring(Keyring::Unlocked)
    }

    /// Where the login keyring lies; to be changed only while no daemon runs.
    pub(crate) fn keyring_file(&self) -> PathBuf {
        self.path(LOGIN_FILE)
    }

    /// Ends the daemon and waits until the bus has noticed.
    pub(crate) fn stop_keyring(&mut self) -> anyhow::Result<()> {
        if self.keyring.take().is_none() {
            return Ok(());
        }
        // A new daemon that still sees the old owner gives up, so the name must be free before this returns.
        self.until_nobody_owns(SERVICE_NAME)
    }

    fn until_nobody_owns(&self, name: &str) -> anyhow::Result<()> {
        let asked_since = Instant::now();
        while self.call_bus("org.freedesktop.DBus.NameHasOwner", &[name])?.contains("true") {
            ensure!(asked_since.elapsed() < DEADLINE, "something that was killed still owns {name}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends the bus and with it everything that lives on it; its socket stays behind and refuses, as after a crash.
    pub(crate) fn stop_bus(&mut self) {
        self.keyring = None;
        self.bus = None;
    }

    /// What a daemon prints when it is ready.
    fn first_line(&self, daemon: &mut Daemon) -> anyhow::Result<String> {
        let mut line = String::new();
        BufReader::new(daemon.output.take().context("its output was read already")?).read_line(&mut line)?;
        ensure!(!line.is_empty(), "a daemon ended before it was ready; {}", self.log());
        Ok(line.trim_end().to_owned())
    }

    fn start_keyring(&mut self, password: Option<&str>) -> anyhow::Result<()> {
        let mut arguments = vec!["gnome-keyring-daemon", "--foreground", "--components=secrets"];
        arguments.extend(password.map(|_| "--unlock"));
        self.keyring = Some(self.daemon(&arguments, password)?);
        let deadline = DEADLINE.as_secs().to_string();
        self.run("gdbus", &["wait", "--session", "--timeout", &deadline, SERVICE_NAME])?;
        Ok(())
    }

    fn is_locked(&self) -> anyhow::Result<bool> {
        let property = ["org.freedesktop.Secret.Collection", "Locked"];
        Ok(self.call(LOGIN_PATH, "org.freedesktop.DBus.Properties.Get", &property)?.contains("true"))
    }

    fn call(&self, path: &str, method: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let call = ["call", "--session", "--dest", SERVICE_NAME, "--object-path", path, "--method", method];
        self.run("gdbus", &[&call[..], arguments].concat())
    }

    fn call_bus(&self, method: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let (name, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
        let call = ["call", "--session", "--dest", name, "--object-path", path, "--method", method];
        self.run("gdbus", &[&call[..], arguments].concat())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self
            .command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context(program.to_owned())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{program} {arguments:?} failed: {said}; {}", self.log());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn daemon(&self, arguments: &[&str], input: Option<&str>) -> anyhow::Result<Daemon> {
        let file = self.path("input");
        fs::write(&file, input.unwrap_or_default())?;
        let log = File::options().create(true).append(true).open(self.path("daemons.log"))?;
        let mut shell = self.command("sh");
        // The bus starts the dialog, with its own environment.
        shell.envs(self.display.iter().map(|display| ("DISPLAY", &display.name)));
        Daemon::start(shell, &file, arguments, log)
    }

    /// A command that sees this bus and nothing of the desktop around the test.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(self.environment());
        command
    }

    fn write_configuration(&self, keyring: Keyring) -> anyhow::Result<()> {
        let services = self.path("services");
        if keyring == Keyring::Activated {
            let start = "/usr/bin/env gnome-keyring-daemon --start --foreground --components=secrets";
            write_service(&services, SERVICE_NAME, start)?;
        }
        // Without a display it ends at once, which is how a prompt fails on a server.
        if keyring == Keyring::LockedAsking || Path::new(PROMPTER).exists() {
            fs::copy(PROMPTER, services.join("prompter.service")).context("copying gcr's service file")?;
        }
        let text = CONFIGURATION
            .replace("ADDRESS", &self.address())
            .replace("SERVICES", &services.display().to_string());
        Ok(fs::write(self.path("bus.conf"), text)?)
    }

    fn address(&self) -> String {
        format!("unix:path={}", self.path("run/bus").display())
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn log(&self) -> String {
        format!("the daemons said: {}", fs::read_to_string(self.path("daemons.log")).unwrap_or_default())
    }
}

/// A display of its own, for the dialog.
#[derive(Debug)]
struct Display {
    name: String,
    _daemon: Daemon,
}

/// One daemon and the shell that ends it together with everything it started.
#[derive(Debug)]
struct Daemon {
    shell: Child,
    lifeline: Option<ChildStdin>,
    output: Option<ChildStdout>,
}

impl Daemon {
    fn start(mut shell: Command, input: &Path, arguments: &[&str], log: File) -> anyhow::Result<Self> {
        shell.arg("-c").arg(GUARD).arg("guard").arg(input).args(arguments).process_group(0);
        let mut shell = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {arguments:?}"))?;
        Ok(Self { lifeline: shell.stdin.take(), output: shell.stdout.take(), shell })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // The shell is killed with its group, by itself; nothing is left to say when waiting for it fails.
        let _ended = self.shell.wait();
    }
}

fn write_service(folder: &Path, name: &str, start: &str) -> anyhow::Result<()> {
    let text = format!("[D-BUS Service]\nName={name}\nExec={start}\n");
    Ok(fs::write(folder.join(format!("{name}.service")), text)?)
}

/// Runs a daemon with a file as its input; once our end of the pipe is closed, kills it, waits for it, and kills what is
/// left of the process group, itself included. Its own copy of the output is closed at once, so that a daemon that dies
/// early reads as an end of file.
const GUARD: &str = r#"input=$1; shift; "$@" <"$input" & daemon=$!; exec >&-
cat >&2; kill -KILL $daemon; wait $daemon; kill -KILL 0"#;

/// A session bus as distributions configure it, without their folders of services.
const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>ADDRESS</listen>
  <auth>EXTERNAL</auth>
  <servicedir>SERVICES</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// The password of the login keyring; opens nothing but a test's own files.
const PASSWORD: &str = "a password for tests";

/// How long a daemon may take to appear or to go, in all; chosen, because they take some 50 ms on an idle machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where gnome-keyring keeps the login keyring, below the temporary folder.
const LOGIN_FILE: &str = "home/.local/share/keyrings/login.keyring";

/// Where gcr says how its dialog is started; the same in all distributions.
const PROMPTER: &str = "/usr/share/dbus-1/services/org.gnome.keyring.SystemPrompter.service";

/// Where Xfce says how its settings are served.
#[cfg(feature = "gui")]
const XFCONF: &str = "/usr/share/dbus-1/services/org.xfce.Xfconf.service";

/// Names and paths of the Secret Service API 0.2 and of gnome-keyring.
const SERVICE_NAME: &str = "org.freedesktop.secrets";
const PROMPTER_NAME: &str = "org.gnome.keyring.SystemPrompter";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const LOGIN_PATH: &str = "/org/freedesktop/secrets/collection/login";
