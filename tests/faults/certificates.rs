//! The owner's own certificate: checked before anything changes, shown by name, swapped live, gone when it expires.

use crate::support::{Recorder, Trial, assert_one_sentence, eventually_within, kernel, raw, trial::PASSWORD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// An authority of the test's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, as PEM.
struct Pair {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "A test's own authority");
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { certificate, key: key.serialize_pem() }
    }
}

fn file(trial: &Trial, name: &str, text: &str) -> String {
    let path: PathBuf = trial.folder().join(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn import(trial: &Trial, certificate: &str, key: &str) -> std::process::Output {
    let (certificate, key) = (file(trial, "cert.pem", certificate), file(trial, "key.pem", key));
    trial.run(&["certificate", "import", "--cert", &certificate, "--key", &key])
}

fn kinds(trial: &Trial) -> Vec<String> {
    let list = trial.json(&["certificate", "list"]);
    list.as_array().into_iter().flatten().filter_map(|one| one["kind"].as_str().map(str::to_owned)).collect()
}

/// The certificate shown to whoever asks for this name, or nothing.
fn shown(trial: &Trial, url: &str, name: &str) -> Option<Vec<u8>> {
    let tls = raw::connect(trial.socket(url), name, &["http/1.1"]).ok()?;
    tls.conn.peer_certificates()?.first().map(|certificate| certificate.to_vec())
}

fn host(url: &str) -> String {
    let rest = url.strip_prefix("https://").expect("https");
    rest.split(':').next().expect("a host").to_owned()
}

/// A trial whose tool is at the internet under `share.example`, with a certificate for everything there.
fn under_a_domain(tool: &Recorder, change: impl FnOnce(&mut CertificateParams)) -> (Trial, Authority, Pair) {
    let trial = Trial::sharing(&tool.url(), "lan");
    let authority = Authority::new();
    let pair = authority.issue(&["*.share.example"], change);
    let output = import(&trial, &(pair.certificate.clone() + &authority.pem), &pair.key);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    trial.ok(&["level", "Tool", "internet"]);
    (trial, authority, pair)
}

#[test]
fn files_that_do_not_fit_are_refused_with_what_to_do_and_change_nothing() {
    let trial = Trial::running();
    trial.ok(&["settings", "set", "internet.host", "home.example"]);
    let (authority, other) = (Authority::new(), Authority::new());
    let good = authority.issue(&["home.example"], |_| ());
    let elsewhere = authority.issue(&["elsewhere.example"], |_| ());
    let expired = authority.issue(&["home.example"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = authority.issue(&["home.example"], |params| params.not_before = date_time_ymd(2090, 1, 1));
    let unnamed = authority.issue(&[], |_| ());
    let client = authority.issue(&["home.example"], |params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (chain, root) = (good.certificate.clone() + &authority.pem, &authority.pem);
    let encrypted = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (certificate, key, wanted) in [
        (&chain, &elsewhere.key, "does not belong"),
        (&(root.clone() + &good.certificate), &good.key, "order"),
        (&(good.certificate.clone() + &other.pem), &good.key, "not issued by"),
        (&expired.certificate, &expired.key, "expired on 2020"),
        (&early.certificate, &early.key, "not valid before 2090"),
        (&elsewhere.certificate, &elsewhere.key, "home.example"),
        (&unnamed.certificate, &unnamed.key, "no host"),
        (&client.certificate, &client.key, "not meant for servers"),
        (root, &authority.issuer.key().serialize_pem(), "authority"),
        (&good.key, &good.key, "no certificate"),
        (&good.certificate, &good.certificate, "no private key"),
        (&good.certificate, &(good.key.clone() + &elsewhere.key), "2 private keys"),
        (&good.certificate, &encrypted, "passphrase"),
        (&"not PEM".to_owned(), &good.key, "PEM"),
        (&good.certificate.replace("MII", "M!I"), &good.key, "damaged"),
        (&String::new(), &good.key, "no certificate"),
    ] {
        let output = import(&trial, certificate, key);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{wanted}: {said}");
        assert_one_sentence(&said);
        assert!(said.contains(wanted), "{wanted}: {said}");
        assert!(!kinds(&trial).contains(&"imported".to_owned()), "{wanted}: nothing was taken");
    }
    let missing = trial.folder().join("none.pem").display().to_string();
    assert_one_sentence(&trial.refused(1, &["certificate", "import", "--cert", &missing, "--key", &missing]));
    let combined = chain.clone() + &good.key;
    assert!(import(&trial, &combined, &combined).status.success(), "one combined file may be given twice");
    assert!(kinds(&trial).contains(&"imported".to_owned()));
}

#[test]
fn a_wildcard_gives_each_tool_its_name_and_strangers_no_certificate() {
    let tool = Recorder::start();
    let (trial, authority, _) = under_a_domain(&tool, |_| ());
    let (url, gate) = (trial.url("Tool"), trial.gate());
    assert_eq!((host(&url), host(&gate)), ("tool.share.example".to_owned(), "gate.share.example".to_owned()));
    assert_eq!(trial.socket(&url), trial.socket(&gate), "one port for all names");
    let ours = shown(&trial, &url, "tool.share.example").expect("a certificate");
    assert_eq!(shown(&trial, &url, "gate.share.example"), Some(ours.clone()));
    assert_eq!(shown(&trial, &url, "TOOL.share.example"), Some(ours), "names have no case");
    let address = trial.address.to_string();
    for stranger in
        ["example", "share.example", "a.tool.share.example", "tool.other.example", "localhost", &address]
    {
        assert_eq!(shown(&trial, &url, stranger), None, "{stranger}");
    }
    let root = file(&trial, "root.pem", &authority.pem);
    let at = |name: &str| format!("{name}:{}:{}", trial.socket(&url).port(), trial.address);
    let curl = |url: &str, more: &[&str]| {
        let resolve = [at("tool.share.example"), at("gate.share.example"), at("none.share.example")];
        let mut all: Vec<&str> = vec!["--cacert", &root];
        resolve.iter().for_each(|one| all.extend(["--resolve", one]));
        trial.curl(&[&all, more, &[url]].concat())
    };
    let credential = format!("anna:{PASSWORD}");
    assert_eq!(curl(&url, &[]).0, 401);
    assert_eq!(curl(&url, &["--user", &credential]), (200, "ok".to_owned()));
    assert_eq!(curl(&url, &["--user", &credential, "--http1.1"]), (200, "ok".to_owned()));
    let before = tool.all();
    for (name, header) in [
        ("none.share.example", "accept: */*"),
        ("gate.share.example", "host: tool.share.example"),
        ("tool.share.example", "host: none.share.example"),
    ] {
        let to = format!("https://{}", at(name).rsplit_once(':').expect("a port").0);
        let (status, page) = curl(&to, &["--user", &credential, "--header", header, "--http1.1"]);
        // 0: not even a handshake.
        assert!(matches!(status, 0 | 400 | 404 | 421), "{name} {header}: {status}");
        assert!(!page.contains("Tool"), "no tool's name");
    }
    assert_eq!(tool.all(), before, "nothing of it reached the tool");
}

#[test]
fn removing_it_closes_the_internet_door_and_keeps_the_lan() {
    let tool = Recorder::start();
    let (mut trial, ..) = under_a_domain(&tool, |_| ());
    assert_eq!(kernel::listeners(trial.pid()).len(), 3, "lan gate, lan tool, internet");
    trial.ok(&["certificate", "remove"]);
    assert_eq!(trial.json(&["tool", "list"])[0]["level"], "lan");
    eventually_within(Duration::from_secs(1), "only the lan listens", || {
        kernel::listeners(trial.pid()).len() == 2
    });
    assert!(!kinds(&trial).contains(&"imported".to_owned()));
    assert_eq!(trial.curl_as_anna(&[&trial.url("Tool")]).0, 200);
    trial.stop();
    trial.serve();
    assert_eq!(trial.json(&["tool", "list"])[0]["level"], "lan", "it does not come back");
}

#[test]
fn a_fresh_lan_certificate_is_swapped_in_while_connections_go_on() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "lan");
    let (url, address) = (trial.url("Tool"), trial.address.to_string());
    let before = shown(&trial, &url, &address).expect("a certificate");
    assert_eq!(shown(&trial, &url, &address).as_ref(), Some(&before), "the same until renewed");
    let mut held = raw::connect(trial.socket(&url), &address, &["http/1.1"]).expect("TLS");
    trial.ok(&["certificate", "renew"]);
    let after = shown(&trial, &url, &address).expect("a certificate");
    assert_ne!(after, before, "new handshakes see the new one");
    let head = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", trial.socket(&url));
    std::io::Write::write_all(&mut held, head.as_bytes()).expect("written");
    assert!(raw::read_to_end(&mut held).starts_with("HTTP/1.1 401"), "the old connection goes on");
    assert_eq!(trial.curl_as_anna(&[&url]).0, 200, "the authority is the same");
}

#[test]
fn an_import_while_the_door_is_open_is_swapped_in() {
    let tool = Recorder::start();
    let (trial, authority, _) = under_a_domain(&tool, |_| ());
    let url = trial.url("Tool");
    let before = shown(&trial, &url, "tool.share.example").expect("a certificate");
    let next = authority.issue(&["*.share.example"], |_| ());
    assert!(import(&trial, &(next.certificate + &authority.pem), &next.key).status.success());
    let after = shown(&trial, &url, "tool.share.example").expect("a certificate");
    assert_ne!(after, before);
}

#[test]
fn when_it_expires_the_internet_door_closes_and_says_so() {
    let tool = Recorder::start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let (trial, ..) = under_a_domain(&tool, |params| {
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(now.as_secs() + 8);
    });
    let url = trial.url("Tool");
    assert!(shown(&trial, &url, "tool.share.example").is_some(), "good for some seconds");
    eventually_within(Duration::from_secs(16), "the internet door closes", || {
        kernel::listeners(trial.pid()).len() == 2
    });
    let status = trial.json(&["status"]);
    assert_eq!(status["headline"], "trouble");
    assert!(status["problems"].to_string().contains("expired"), "{status}");
    assert_one_sentence(&trial.refused(1, &["level", "Tool", "internet"]));
    let doors = status["tools"][0]["doors"].as_array().cloned().unwrap_or_default();
    let states: Vec<(&Value, &Value)> = doors.iter().map(|door| (&door["level"], &door["state"])).collect();
    assert_eq!(states, [(&json!("lan"), &json!("open")), (&json!("internet"), &json!("failed"))]);
}

#[test]
fn a_name_the_certificate_does_not_cover_is_never_called_open() {
    let tool = Recorder::start();
    let (trial, ..) = under_a_domain(&tool, |_| ());
    let before = trial.url("Tool");
    let output = trial.run(&["settings", "set", "internet.domain", "other.example"]);
    if !output.status.success() {
        assert_one_sentence(&String::from_utf8_lossy(&output.stderr));
        assert_eq!(trial.url("Tool"), before, "refused without a trace");
        return;
    }
    let tools = trial.json(&["tool", "list"]);
    for door in
        tools[0]["doors"].as_array().expect("a list").iter().filter(|door| door["level"] == "internet")
    {
        let url = door["url"].as_str().expect("a URL");
        let is_shown = shown(&trial, url, &host(url)).is_some();
        assert_eq!(door["state"] == "open", is_shown, "what is called open opens: {door}");
    }
}

#[test]
fn another_host_name_for_a_self_signed_door_works_or_is_refused() {
    let tool = Recorder::start();
    let trial = Trial::sharing(&tool.url(), "internet");
    let output = trial.run(&["settings", "set", "internet.host", "home.example"]);
    let url = trial.url("Tool");
    if output.status.success() {
        assert_eq!(host(&url), "home.example");
        assert!(
            shown(&trial, &url, "home.example").is_some(),
            "the name in the share URL gets a certificate"
        );
    } else {
        assert_one_sentence(&String::from_utf8_lossy(&output.stderr));
        assert!(shown(&trial, &url, &host(&url)).is_some(), "refused without a trace");
    }
}
