//! Passwords from the outside: users imported with hashes made elsewhere, judging, and the first user of a machine nobody
//! sits at.

mod first_user;
mod imports;
mod internet;
mod judging;

use crate::support::Trial;
use serde_json::Value;
use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

/// What the imported hashes below were made of: good for the internet, by its length.
const STRONG: &str = "correct horse battery";
/// The same, good for the local network only.
const WEAK: &str = "tidy-pw";

/// One hash of each kind of [`STRONG`], all from `identity/foreign/vectors.rs`, which says how they were made.
const KINDS: &[(&str, &str)] = &[
    ("bcrypt-a", "$2a$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."),
    ("bcrypt-b", "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."),
    ("bcrypt-y", "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo."),
    ("apr1", "$apr1$Zx81kq.A$ASH1/EqGQiomQha/lLCLp1"),
    ("sha", "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U="),
    ("sha256-crypt", "$5$rounds=1000$roundsalt$wqZ.mubgEuo49ME5w.qBZ5eB7cW9mpTwVHyb9vftqqD"),
    (
        "sha512-crypt",
        "$6$s$LTL.y0uZex2622McvG3YQDcKNvwuXwsNohQEyzQrVdN01u8wRYiA4S19WqhS4zHgqe9XQnX96xnf5rcT9DbK.0",
    ),
    (
        "pbkdf2",
        "pbkdf2:sha256:1000$Sa1tSa1t$237acee8db2f9c92ef89410ab113cb3508dd9a9beeb8c27428d6c6b063151be9",
    ),
    (
        "scrypt",
        "scrypt:1024:8:1$Sa1tSa1tSa1tSa1t$0d266490b83b9531548d5da1208b3799a1a55755143291a1ddef881068c66fa23a30b725dd44feed7994af9abe1d73f11333ef7a46fd1d08f69ea137dbb71e3e",
    ),
];
/// apr1 of [`WEAK`].
const WEAK_HASH: &str = "$apr1$Zx81kq.A$xP57NTqHxwKurelTZ1APK0";

/// `user import -` with this list, and more arguments.
fn import(trial: &Trial, list: &str, more: &[&str]) -> Output {
    let mut child = trial
        .command(&[&["user", "import", "-"], more].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // What is refused for its length is not read to its end.
    let _ = child.stdin.take().expect("piped").write_all(list.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// The same, which must be done.
fn imported(trial: &Trial, list: &str) {
    let output = import(trial, list, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An account as `user list` shows it.
fn user(trial: &Trial, name: &str) -> Value {
    let users = trial.json(&["user", "list"]);
    let found = users.as_array().expect("a list").iter().find(|user| user["name"] == name);
    found.cloned().unwrap_or_else(|| panic!("no {name} in {users}"))
}

/// A request on the control socket; the status and the reply.
fn ask(trial: &Trial, request: &Value) -> (u16, Value) {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--unix-socket"])
        .arg(trial.home().join("run/control.sock"))
        .args([
            "--data",
            &request.to_string(),
            "--write-out",
            "\n%{http_code}",
            "http://drawbridge/v1/request",
        ])
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("the status line");
    (status.parse().expect("a status"), serde_json::from_str(body).expect("JSON"))
}
