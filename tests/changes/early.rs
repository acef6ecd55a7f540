//! A tool that answers before an upload has ended: the visitor gets that answer, over HTTP/1.1 and HTTP/2.

use crate::{
    promises::{
        Door,
        h2::{self, H2, Outcome},
        tool::Tool,
    },
    support::{Trial, eventually, kernel, raw, trial::PASSWORD},
};
use std::{
    fs::File,
    io::{Read, Write},
    time::Duration,
};

const REFUSED: &[u8] =
    b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 8\r\nconnection: close\r\n\r\ntoo much";

/// A tool that refuses every upload at once, in the way the path says.
fn refusing() -> Tool {
    Tool::serving(false, |stream, asked| {
        if asked.line.starts_with("GET") {
            return stream.write_all(&crate::promises::tool::ok(&asked.line)).is_ok();
        }
        let _ = stream.write_all(REFUSED);
        match asked.line.as_str() {
            // As nginx does: it reads on for a while.
            "POST /lingering" => {
                let _ = stream.shutdown(std::net::Shutdown::Write);
                while let Ok(1..) = stream.read(&mut [0; 64 * 1024]) {}
            }
            // Never reads, and keeps the connection.
            "POST /deaf" => std::thread::sleep(Duration::from_secs(3)),
            // As Python's own server does: takes the body for a second request, says so, and closes.
            "POST /confused" => {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nwhat?");
            }
            // As small servers do: closes over what was not read, which resets the connection.
            _ => {}
        }
        false
    })
}

#[test]
fn an_answer_to_an_upload_of_100_megabytes_that_comes_early_arrives() {
    let tool = refusing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let url = trial.url("Tool");
    let file = trial.folder().join("upload");
    File::create(&file).and_then(|file| file.set_len(100_000_000)).expect("a sparse file");
    let body = format!("@{}", file.display());
    for path in ["lingering", "deaf", "abrupt"] {
        for expect in ["Expect: 100-continue", "Expect:"] {
            let address = format!("{url}/{path}");
            let fields = ["--http1.1", "--header", expect, "--data-binary", &body, &address];
            assert_eq!(trial.curl_as_anna(&fields), (413, "too much".to_owned()), "{path} {expect}");
        }
    }
    let door = Door::of(&trial, "Tool");
    let (authority, credential) = (door.authority(), raw::basic("anna", PASSWORD));
    for path in ["/lingering", "/deaf", "/abrupt"] {
        let own = [("authorization", credential.as_str()), ("content-length", "100000000")];
        let mut h2 = H2::open(door);
        let stream = h2.begin(&h2::fields("POST", &authority, path, &own), false);
        assert!((0..10).all(|_| h2.data(stream, &[b'x'; 6_000])));
        let whole = Outcome::Answer { status: 413, body: "too much".to_owned() };
        assert_eq!(h2.outcome(stream), whole, "{path}: the end of the answer comes before the reset");
        let after = h2::fields("GET", &authority, "/after", &own[..1]);
        assert_eq!(h2.ask(&after, None, &[]).status(), 200, "{path}: the connection lives on");
    }
    assert_eq!(door.status("GET /after", &[&crate::promises::anna()]), 200);
    eventually("no upload is left at the tool", || tool.open() <= 1);
}

#[test]
fn an_early_answer_with_more_behind_it_leaves_nothing_here() {
    let tool = refusing();
    let trial = Trial::sharing(&tool.url(), "lan");
    let url = format!("{}/confused", trial.url("Tool"));
    let file = trial.folder().join("upload");
    File::create(&file).and_then(|file| file.set_len(20_000_000)).expect("a sparse file");
    let body = format!("@{}", file.display());
    let upload = |version: &str| trial.curl_as_anna(&[version, "--data-binary", &body, &url]);
    upload("--http1.1");
    let before = kernel::descriptors(trial.pid());
    for _ in 0..8 {
        for version in ["--http1.1", "--http2"] {
            upload(version);
        }
    }
    eventually("every connection has ended", || {
        tool.open() == 0 && kernel::descriptors(trial.pid()) <= before + 2
    });
}
