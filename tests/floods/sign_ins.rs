//! A thousand people who sign in at the same moment: hashing stays within its two places, and who is in notices nothing.

use super::field::{Field, alone};
use crate::support::kernel;
use std::{
    fmt::Write as _,
    fs,
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
};

/// A quarter of them each; curl runs at most 300 at once.
const SOURCES: [u8; 4] = [1, 2, 3, 4];
const EACH: usize = 250;

#[test]
fn a_thousand_sign_ins_at_once_stay_within_memory_and_visitors_go_on() {
    let _alone = alone();
    let field = Field::new();
    let before = field.quiet();
    let begun = kernel::memory(field.trial.pid());
    let crowds: Vec<Child> = SOURCES.into_iter().map(|source| crowd(&field, source)).collect();
    field.visits("a thousand sign-ins");
    let statuses: Vec<String> = crowds
        .into_iter()
        .flat_map(|crowd| {
            let output = crowd.wait_with_output().expect("curl ends");
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let count = |status: &str| statuses.iter().filter(|line| line.as_str() == status).count();
    // Connections of one address have a limit too; what curl opens beyond it gets no answer.
    let (wrong, busy, dropped) = (count("401"), count("503"), count("000"));
    eprintln!("{wrong} verified, {busy} turned away, {dropped} without a connection");
    assert_eq!((statuses.len(), wrong + busy + dropped), (SOURCES.len() * EACH, SOURCES.len() * EACH));
    assert!(wrong > 0 && busy > SOURCES.len() * EACH / 2, "some are verified, and never all of them at once");
    let most = kernel::memory(field.trial.pid()).1;
    assert!(most - begun.0 < MOST_KIB, "memory grew from {begun:?} to {most} KiB");
    field.is_as_before(before, "a thousand sign-ins");
}

/// A quarter of the thousand, each with a name of their own, over HTTP/2 at the tool's door.
fn crowd(field: &Field, source: u8) -> Child {
    let file = field.trial.folder().join(format!("crowd-{source}"));
    let from = Ipv4Addr::new(127, 250, 1, source);
    let authority = field.trial.authority();
    let mut text = String::new();
    for number in 0..EACH {
        let more = if number == 0 { "" } else { "next\n" };
        let _ = write!(
            text,
            "{more}url = \"{}\"\nuser = \"somebody-{source}-{number}:wrong-{number}\"\ncacert = \"{}\"\n\
             interface = \"{from}\"\nhttp2\nsilent\nnoproxy = \"*\"\noutput = \"/dev/null\"\n\
             max-time = 60\nwrite-out = \"%{{http_code}}\\n\"\n",
            field.door.origin(),
            authority.display(),
        );
    }
    fs::write(&file, text).expect("a file");
    // They come from other computers; on this one they shall not take the engine's time.
    let mut command = Command::new("nice");
    command.args(["-n", "15", "curl", "--parallel", "--parallel-max", "300", "--config"]).arg(file);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("curl runs")
}

/// Two hashes of 64 MiB and what is around them.
const MOST_KIB: u64 = (2 * 64 + 64) * 1024;
