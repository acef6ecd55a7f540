//! A real JupyterLab behind a real door: a person in Chromium, a program with curl, and nobody else.

use crate::support::{Trial, browser::Script, eventually_within, jupyter::Jupyter, raw, trial::PASSWORD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

#[test]
fn lan_notebook_keeps_its_kernel_connection_through_a_renewed_certificate() {
    let (jupyter, trial) = sharing("lan");
    let (url, go, swap) = (trial.url("Tool"), trial.folder().join("go"), trial.folder().join("swapped"));
    let mut script = Script::start(
        "jupyter.mjs",
        "jupyter-lan",
        json!({"url": url, "username": "anna", "password": PASSWORD, "caPem": trial.authority(),
               "tryWrongPassword": go, "waitFile": swap}),
    );
    let refused = script.until("wrong-password-refused");
    assert!(refused["words"].as_str().is_some_and(|words| words.contains("Check both")), "{refused}");
    assert_untouched(&jupyter);
    touch(&go);

    script.until("ready-for-swap");
    let (leaf, listed) = (leaf(&trial, &url), fingerprint(&trial, "lan"));
    trial.ok(&["certificate", "renew"]);
    assert_ne!(self::leaf(&trial, &url), leaf, "a new handshake sees a new certificate");
    assert_ne!(fingerprint(&trial, "lan"), listed);
    touch(&swap);
    script.finish();
    assert_clean(&jupyter);
    assert_eq!(channels(&jupyter), 1, "one kernel connection for all of it");
}

#[test]
fn internet_with_a_self_signed_certificate_works_and_is_marked() {
    let (jupyter, trial) = sharing("internet");
    let (url, go) = (internet_url(&trial), trial.folder().join("go"));
    let status = trial.json(&["status"]);
    let problems = status["problems"].to_string();
    assert!(problems.contains("The internet door has a self-signed certificate"), "{problems}");
    assert!(problems.contains("drawbridge certificate import"), "{problems}");
    let list = trial.json(&["certificate", "list"]);
    assert!(list.as_array().expect("a list").iter().any(|one| one["kind"] == "self-signed"), "{list}");

    let mut script = Script::start(
        "jupyter.mjs",
        "jupyter-self-signed",
        json!({"url": url, "username": "anna", "password": PASSWORD, "ignoreHTTPSErrors": true,
               "tryWrongPassword": go}),
    );
    script.until("wrong-password-refused");
    assert_untouched(&jupyter);
    touch(&go);
    script.finish();
    assert_clean(&jupyter);
}

#[test]
fn internet_notebook_keeps_its_kernel_connection_through_a_second_import() {
    let (jupyter, trial) = sharing("internet");
    let authority = Authority::make(trial.folder());
    authority.import(&trial, "first");
    let (url, swap) = (internet_url(&trial), trial.folder().join("swapped"));
    let problems = trial.json(&["status"])["problems"].to_string();
    assert!(!problems.contains("self-signed"), "{problems}");
    let mut script = Script::start(
        "jupyter.mjs",
        "jupyter-imported",
        json!({"url": url, "username": "anna", "password": PASSWORD, "caPem": authority.pem, "waitFile": swap}),
    );
    script.until("ready-for-swap");
    let (leaf, listed) = (leaf(&trial, &url), fingerprint(&trial, "imported"));
    authority.import(&trial, "second");
    assert_ne!(self::leaf(&trial, &url), leaf, "a new handshake sees the second certificate");
    assert_ne!(fingerprint(&trial, "imported"), listed);
    touch(&swap);
    script.finish();
    assert_clean(&jupyter);
    assert_eq!(channels(&jupyter), 1, "one kernel connection for all of it");
}

#[test]
fn ended_session_loses_its_kernel_connection_within_a_second_and_gets_no_other() {
    let (jupyter, trial) = sharing("lan");
    let mut script = Script::start(
        "jupyter.mjs",
        "jupyter-ended",
        json!({"url": trial.url("Tool"), "username": "anna", "password": PASSWORD,
               "caPem": trial.authority(), "untilEnded": true}),
    );
    script.until("ready-to-end");
    let sessions = trial.json(&["session", "list"]);
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions}");
    trial.ok(&["session", "end", sessions[0]["id"].as_str().expect("an id")]);
    let ended = Instant::now();
    script.until("kernel-connection-closed");
    assert!(ended.elapsed() < Duration::from_secs(1), "closed after {:?}", ended.elapsed());
    let seen = jupyter.received().expect("a record").len();
    script.finish();
    let after = jupyter.received().expect("a record");
    assert_eq!(after.len(), seen, "something came through after the end: {:?}", after.get(seen..));
}

#[test]
fn program_with_basic_lists_files_and_starts_a_kernel_at_both_levels() {
    let (jupyter, trial) = sharing("internet");
    fs::write(jupyter.files().join("hello.txt"), "hello").expect("a file");
    for (url, trust) in [(lan_url(&trial), None), (internet_url(&trial), Some("--insecure"))] {
        let trust: Vec<&str> = trust.into_iter().collect();
        let contents = format!("{url}/api/contents");
        let before = jupyter.received().expect("a record").len();
        for credential in ["anna:not the password", "nobody:not the password"] {
            assert_eq!(trial.curl(&[&trust[..], &["--user", credential, &contents]].concat()).0, 401);
        }
        assert_eq!(trial.curl(&[&trust[..], &[&contents]].concat()).0, 401);
        assert_eq!(
            jupyter.received().expect("a record").len(),
            before,
            "without the password nothing arrives"
        );

        let mut listed = (0, String::new());
        eventually_within(Duration::from_secs(20), "the pause after a failure is over", || {
            listed = trial.curl_as_anna(&[&trust[..], &[&contents]].concat());
            listed.0 != 429
        });
        assert_eq!(listed.0, 200, "{}", listed.1);
        assert!(listed.1.contains("\"hello.txt\""), "{}", listed.1);
        assert_eq!(start_kernel(&trial, &url, &trust), "python3");
    }
    assert_clean(&jupyter);
}

/// As a program does that knows Jupyter: its cross-site mark first, then a session with a kernel. Returns its kind.
fn start_kernel(trial: &Trial, url: &str, trust: &[&str]) -> String {
    let jar = trial.folder().join("jar").display().to_string();
    let cookies = ["--cookie", &jar, "--cookie-jar", &jar];
    let _ = fs::remove_file(&jar);
    assert_eq!(trial.curl_as_anna(&[trust, &cookies, &[&format!("{url}/lab")]].concat()).0, 200);
    let jar_text = fs::read_to_string(&jar).expect("cookies");
    let mark =
        jar_text.lines().find_map(|line| line.split_once("\t_xsrf\t")).expect("Jupyter's own cookie").1;
    let (header, target) = (format!("x-xsrftoken: {mark}"), format!("{url}/api/sessions"));
    let body =
        json!({"path": "made.ipynb", "name": "made", "type": "notebook", "kernel": {"name": "python3"}});
    let (status, text) = trial.curl_as_anna(
        &[trust, &cookies, &["--header", &header, "--json", &body.to_string(), &target]].concat(),
    );
    assert_eq!(status, 201, "{text}");
    let session: Value = serde_json::from_str(&text).expect("JSON");
    let (status, kernels) = trial.curl_as_anna(&[trust, &[&format!("{url}/api/kernels")]].concat());
    assert!(status == 200 && kernels.contains(session["kernel"]["id"].as_str().expect("an id")), "{kernels}");
    session["kernel"]["name"].as_str().expect("a name").to_owned()
}

/// A running Jupyter and an engine that shares it as `Tool`.
fn sharing(level: &str) -> (Jupyter, Trial) {
    let jupyter = Jupyter::start().unwrap_or_else(|error| panic!("Jupyter does not run: {error:#}"));
    let trial = Trial::sharing(&jupyter.url(), level);
    (jupyter, trial)
}

fn lan_url(trial: &Trial) -> String {
    door(trial, "lan")
}

fn internet_url(trial: &Trial) -> String {
    door(trial, "internet")
}

/// The address of the open door of `Tool` at a level.
fn door(trial: &Trial, level: &str) -> String {
    let tools = trial.json(&["tool", "list"]);
    let doors = tools[0]["doors"].as_array().expect("doors");
    let door = doors.iter().find(|door| door["level"] == level && door["state"] == "open");
    door.unwrap_or_else(|| panic!("no open {level} door in {tools}"))["url"]
        .as_str()
        .expect("a URL")
        .to_owned()
}

/// The certificate a new handshake gets.
fn leaf(trial: &Trial, url: &str) -> Vec<u8> {
    let tls =
        raw::connect(trial.socket(url), &trial.address.to_string(), &["http/1.1"]).expect("a handshake");
    tls.conn.peer_certificates().and_then(<[_]>::first).expect("a certificate").as_ref().to_vec()
}

/// The fingerprint the owner is shown.
fn fingerprint(trial: &Trial, kind: &str) -> String {
    let list = trial.json(&["certificate", "list"]);
    let found = list.as_array().expect("a list").iter().find(|one| one["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {list}"))["fingerprint"].to_string()
}

fn assert_untouched(jupyter: &Jupyter) {
    let received = jupyter.received().expect("a record");
    assert!(received.is_empty(), "without the password something reached Jupyter: {received:?}");
}

/// Nothing of ours in anything Jupyter got, and nobody sent it away.
fn assert_clean(jupyter: &Jupyter) {
    let received = jupyter.received().expect("a record");
    assert!(!received.is_empty(), "somebody was there");
    for request in &received {
        let text = format!("{request:?}").to_lowercase();
        assert!(!text.contains("drawbridge"), "{text}");
        assert!(request.header("authorization").is_empty(), "{text}");
        assert!(!text.contains(PASSWORD), "{text}");
    }
    let host = jupyter.address().to_string();
    assert!(received.iter().all(|request| request.header("host") == [host.as_str()]), "{received:?}");
}

/// How many kernel connections Jupyter saw begin.
fn channels(jupyter: &Jupyter) -> usize {
    let received = jupyter.received().expect("a record");
    received.iter().filter(|one| one.method == "GET" && one.target.contains("/channels")).count()
}

fn touch(path: &Path) {
    fs::write(path, "").expect("a file");
}

/// An authority of the owner's own, outside Drawbridge.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: PathBuf,
    pem: PathBuf,
}

impl Authority {
    fn make(folder: &Path) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "The owner's authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let pem = folder.join("owner.pem");
        fs::write(&pem, certificate.pem()).expect("a file");
        Self { issuer: Issuer::new(parameters, key), folder: folder.to_owned(), pem }
    }

    /// Makes a certificate for the trial's address and imports it.
    fn import(&self, trial: &Trial, name: &str) {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names.push(rcgen::SanType::IpAddress(IpAddr::V4(trial.address)));
        parameters.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        let file = |kind: &str| self.folder.join(format!("{name}-{kind}.pem")).display().to_string();
        let (cert, key_file) = (file("certificate"), file("key"));
        fs::write(&cert, certificate.pem()).expect("a file");
        fs::write(&key_file, key.serialize_pem()).expect("a file");
        trial.ok(&["certificate", "import", "--cert", &cert, "--key", &key_file]);
    }
}
