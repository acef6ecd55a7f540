//! Programs people use, with a token in place of the password: curl with cookies left alone, git over HTTPS, rclone over
//! WebDAV.

use super::Stage;
use crate::support::{Trial, eventually, nginx::free_port};
use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// A tool that is a program of its own; stopped on drop.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, port: u16) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let running = Self(child);
        eventually("the tool listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A trial that shares what listens at a port, and a token for it.
fn shared(port: u16) -> (Trial, String, String) {
    let trial = Trial::sharing(&port.to_string(), "lan");
    let made = trial.json(&["token", "create", "anna", "--tool", "Tool"]);
    let url = trial.url("Tool");
    (trial, made["secret"].as_str().expect("shown once").to_owned(), url)
}

fn succeeds(what: &str, output: &Output) {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}

fn git(folder: &Path, authority: Option<&Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    if let Some(authority) = authority {
        command.env("GIT_SSL_CAINFO", authority);
    }
    command.current_dir(folder).env("HOME", folder).env("GIT_TERMINAL_PROMPT", "0");
    command.args(["-c", "user.name=Anna", "-c", "user.email=anna@example.org"]).args(arguments);
    command.output().expect("git runs")
}

#[test]
fn curl_takes_a_token_in_every_place() {
    let stage = Stage::at("lan");
    let made = stage.token(&[]);
    let (token, url) = (made["secret"].as_str().expect("shown once"), stage.trial.url("Tool"));
    let user = format!("anna:{token}");
    for arguments in
        [["--user", &user], ["--oauth2-bearer", token], ["--header", &format!("X-Drawbridge-Token: {token}")]]
    {
        assert_eq!(stage.trial.curl(&[&arguments[..], &[&url]].concat()), (200, "ok".to_owned()));
    }
    assert_eq!(stage.trial.curl(&["--oauth2-bearer", "wrong", &url]).0, 401);
}

#[test]
fn git_clones_over_https_with_a_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let (work, served) = (folder.path().join("work"), folder.path().join("served"));
    fs::create_dir(&served).expect("a folder");
    succeeds("git init", &git(folder.path(), None, &["init", "--quiet", "work"]));
    fs::write(work.join("diary.txt"), "a day").expect("a file");
    succeeds("git add", &git(&work, None, &["add", "diary.txt"]));
    succeeds("git commit", &git(&work, None, &["commit", "--quiet", "--message", "a day"]));
    let bare = served.join("diary.git").display().to_string();
    succeeds("git clone", &git(folder.path(), None, &["clone", "--quiet", "--bare", "work", &bare]));
    succeeds("git update-server-info", &git(Path::new(&bare), None, &["update-server-info"]));
    let port = free_port();
    let mut server = Command::new("python3");
    server.args(["-m", "http.server", "--bind", "127.0.0.1", &port.to_string()]).current_dir(&served);
    let _server = Running::start(&mut server, port);
    let (trial, token, url) = shared(port);
    let authority = trial.authority();
    let at =
        |password: &str| url.replacen("https://", &format!("https://anna:{password}@"), 1) + "/diary.git";
    let clone = |password: &str, to: &str| {
        git(folder.path(), Some(&authority), &["clone", "--quiet", &at(password), to])
    };
    succeeds("git clone over HTTPS", &clone(&token, "copy"));
    assert_eq!(fs::read_to_string(folder.path().join("copy/diary.txt")).expect("a file"), "a day");
    let refused = clone("wrong", "nothing");
    assert!(!refused.status.success() && !folder.path().join("nothing").exists());
}

#[test]
fn rclone_copies_there_and_back_with_a_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let (served, mine, back) =
        (folder.path().join("served"), folder.path().join("mine"), folder.path().join("back"));
    for made in [&served, &mine] {
        fs::create_dir(made).expect("a folder");
    }
    for number in 0..20 {
        fs::write(mine.join(format!("note {number}.txt")), format!("note {number}").repeat(1000))
            .expect("a file");
    }
    let port = free_port();
    let mut server = Command::new("rclone");
    server.args(["serve", "webdav", "--addr", &format!("127.0.0.1:{port}")]).arg(&served);
    let _server = Running::start(server.env("HOME", folder.path()), port);
    let (trial, token, url) = shared(port);
    let authority = trial.authority();
    let obscured = Command::new("rclone").args(["obscure", &token]).output().expect("rclone runs");
    let password = String::from_utf8(obscured.stdout).expect("text").trim().to_owned();
    let rclone = |arguments: &[&str]| {
        let mut command = Command::new("rclone");
        command.env("HOME", folder.path()).env("RCLONE_CONFIG_DOOR_TYPE", "webdav");
        command.env("RCLONE_CONFIG_DOOR_URL", &url).env("RCLONE_CONFIG_DOOR_VENDOR", "other");
        command.env("RCLONE_CONFIG_DOOR_USER", "anna").env("RCLONE_CONFIG_DOOR_PASS", &password);
        command.arg("--ca-cert").arg(&authority);
        command.args(["--retries", "1", "--low-level-retries", "1"]).args(arguments);
        command.output().expect("rclone runs")
    };
    let (mine, back) = (mine.display().to_string(), back.display().to_string());
    succeeds("rclone copy there", &rclone(&["copy", &mine, "door:notes"]));
    succeeds("rclone moveto", &rclone(&["moveto", "door:notes/note 1.txt", "door:notes/älter & neu.txt"]));
    succeeds("rclone copy back", &rclone(&["copy", "door:notes", &back]));
    succeeds("rclone check", &rclone(&["check", "door:notes", &back]));
    let name = Path::new(&back).join("älter & neu.txt");
    assert_eq!(fs::read_to_string(name).expect("it was moved"), "note 1".repeat(1000));
    trial.ok(&["token", "revoke", trial.json(&["token", "list"])[0]["id"].as_str().expect("an id")]);
    assert!(!rclone(&["lsf", "door:notes"]).status.success(), "a revoked token opens nothing");
}
