//! Namespaces of a test's own: a disk that can be filled or locked, and a network that is no machine's.
//!
//! Needs root, as the tests of the router do. A holder process keeps the namespaces alive; they go with it.

use super::Trial;
use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    time::Duration,
};

/// A trial whose every command runs inside namespaces of its own.
pub(crate) struct Enclosure {
    pub(crate) trial: Trial,
    shell: Child,
    say: Option<ChildStdin>,
    hear: BufReader<ChildStdout>,
    engine: Option<Child>,
}

impl Enclosure {
    /// With mounts and a network of its own.
    pub(crate) fn new() -> Self {
        let mut shell = Command::new("unshare")
            .args(["-m", "-n", "sh"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare runs");
        let say = shell.stdin.take();
        let hear = BufReader::new(shell.stdout.take().expect("piped"));
        let mut enclosure = Self { trial: Trial::new(), shell, say, hear, engine: None };
        enclosure.sh("ip link set lo up");
        enclosure
    }

    /// Runs a line of shell inside; it must succeed. Returns what it printed.
    pub(crate) fn sh(&mut self, line: &str) -> String {
        let say = self.say.as_mut().expect("open");
        writeln!(say, "{{ {line}\n}} 2>&1; echo \"$?:end\"")
            .and_then(|()| say.flush())
            .expect("the shell reads");
        let mut printed = String::new();
        loop {
            let mut next = String::new();
            assert!(
                self.hear.read_line(&mut next).expect("text") > 0,
                "the shell ended at `{line}`: {printed}"
            );
            if let Some(code) = next.strip_suffix(":end\n") {
                assert_eq!(code, "0", "`{line}` failed: {printed}");
                return printed;
            }
            printed.push_str(&next);
        }
    }

    /// The process that keeps the namespaces.
    pub(crate) fn holder(&self) -> u32 {
        self.shell.id()
    }

    /// A command to be run inside.
    pub(crate) fn inside(&self, command: &Command) -> Command {
        let mut inner = Command::new("nsenter");
        inner.args(["-t", &self.holder().to_string(), "-m", "-n", "--"]);
        inner.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inner.env(name, value),
                None => inner.env_remove(name),
            };
        }
        inner
    }

    /// The program inside, run to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.inside(&self.trial.command(arguments)).output().expect("the program runs")
    }

    /// The program inside, which must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The program inside, which must refuse with 1 and one sentence.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        super::assert_one_sentence(&said);
        said
    }

    /// The same with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"], arguments].concat())).expect("JSON")
    }

    /// Adds a user with a password that is good for the internet.
    pub(crate) fn add_user(&self, name: &str, password: &str) {
        let mut command = self.inside(&self.trial.command(&["user", "add", name, "--password-stdin"]));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
        writeln!(child.stdin.take().expect("piped"), "{password}").expect("it reads");
        assert!(child.wait().expect("it ends").success(), "the user was added");
    }

    /// Starts the engine inside; returns what it said where it did not get ready.
    pub(crate) fn try_serve(&mut self, lan: &str) -> Result<(), String> {
        let said = fs::File::create(self.trial.said()).expect("a file");
        let mut command = self.inside(&self.trial.command(&["serve", "--lan", lan]));
        let mut child = command.stdout(Stdio::piped()).stderr(said).spawn().expect("it runs");
        let mut line = String::new();
        let _ = BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line);
        if line.starts_with("ready unix:") {
            self.engine = Some(child);
            return Ok(());
        }
        let mut status = None;
        super::eventually_within(Duration::from_secs(10), "an engine that cannot start ends", || {
            status = child.try_wait().expect("a child");
            status.is_some()
        });
        assert_eq!(status.and_then(|status| status.code()), Some(1), "it ends with 1");
        Err(fs::read_to_string(self.trial.said()).unwrap_or_default())
    }

    /// Starts the engine inside.
    pub(crate) fn serve(&mut self, lan: &str) {
        if let Err(said) = self.try_serve(lan) {
            panic!("the engine did not start: {said}");
        }
    }

    /// The engine's process number.
    pub(crate) fn pid(&self) -> u32 {
        self.engine.as_ref().expect("an engine runs").id()
    }

    /// Kills the engine.
    pub(crate) fn kill(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ = engine.kill();
            let _ = engine.wait();
        }
    }

    /// What the engine listens on, by the kernel's own tables.
    pub(crate) fn listeners(&self) -> usize {
        super::kernel::listeners(self.pid()).len()
    }
}

impl Drop for Enclosure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the engine said:\n{}", fs::read_to_string(self.trial.said()).unwrap_or_default());
        }
        self.kill();
        drop(self.say.take());
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
