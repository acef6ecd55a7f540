//! Files of any size stream through in both directions, on HTTP/1.1 and HTTP/2, without staying here: 5 GB each in the
//! long form, memory flat.

use super::is_long;
use crate::{
    promises::tool::Tool,
    support::{Trial, kernel},
};
use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Sends as much as the path says; counts what it is sent.
fn bulky() -> Tool {
    Tool::serving(false, |stream, asked| {
        let size: u64 = asked.line.rsplit('/').next().and_then(|size| size.parse().ok()).unwrap_or_default();
        let zeros = [0; 64 * 1024];
        if asked.line.starts_with("GET") {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
            let mut left = usize::try_from(size).expect("64 bits");
            let mut good = stream.write_all(head.as_bytes()).is_ok();
            while good && left > 0 {
                let count = left.min(zeros.len());
                good = stream.write_all(&zeros[..count]).is_ok();
                left -= count;
            }
            return good;
        }
        let (mut left, mut buffer) = (size, [0; 64 * 1024]);
        // What came with the head is counted by the difference; the tool keeps the connection only for whole bodies.
        while left > 0 {
            match stream.read(&mut buffer) {
                Ok(count @ 1..) => left = left.saturating_sub(count as u64),
                Ok(0) | Err(_) => break,
            }
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n{}",
            if left < 128 * 1024 { "good" } else { "lost" }
        );
        let _ = stream.write_all(answer.as_bytes());
        false
    })
}

#[test]
fn large_files_stream_both_ways_in_flat_memory() {
    let size: u64 = if is_long() { 5_000_000_000 } else { 48_000_000 };
    let tool = bulky();
    let trial = Trial::sharing(&tool.url(), "lan");
    let url = trial.url("Tool");
    assert_eq!(trial.curl_as_anna(&[&format!("{url}/1000")]).0, 200);
    let (before, _) = kernel::memory(trial.pid());
    let authority = trial.authority();
    let curl = |arguments: &[&str], input: Stdio| {
        let credential = format!("anna:{}", crate::support::trial::PASSWORD);
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--user", &credential, "--cacert"])
            .arg(&authority)
            .args(arguments)
            .stdin(input)
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (over, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let transfers = || {
        let _ends = Ends(&over);
        for version in ["--http1.1", "--http2"] {
            let from = format!("{url}/{size}");
            let said = curl(
                &[version, "--output", "/dev/null", "--write-out", "%{http_code} %{size_download}", &from],
                Stdio::null(),
            );
            assert_eq!(said, format!("200 {size}"), "{version}");
            let file = trial.folder().join("sparse");
            std::fs::File::create(&file).and_then(|file| file.set_len(size)).expect("a sparse file");
            let body = file.display().to_string();
            let said = curl(&[version, "--upload-file", &body, &from], Stdio::null());
            assert_eq!(said, "good", "{version}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(transfers);
        while !over.load(Ordering::SeqCst) {
            peak.fetch_max(kernel::memory(trial.pid()).0, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let peak = peak.into_inner();
    eprintln!("{size} bytes each way, twice: {before} KiB before, {peak} KiB at most");
    // Windows and buffers of one connection, and what the allocator keeps (chosen: far below any file worth the name).
    assert!(peak < before + 24 * 1024, "{before} KiB before, {peak} KiB at most");
}

/// Tells the one who measures that it is over, also after a panic.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
