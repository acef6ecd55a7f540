//! A list of users from elsewhere: lines of `NAME:HASH`, as `htpasswd` writes them. Reads the whole list or names what is
//! wrong with it, line by line; knows nothing of the users there are.

use super::{
    foreign::{BadHash, Foreign},
    user::{BadName, check_name},
};
use drawbridge_texts::{Sentence, Tell};
use std::collections::HashMap;

/// One account of a list.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Account<'a> {
    /// Its line, from one on.
    pub(crate) line: usize,
    /// A name that may be made.
    pub(crate) name: &'a str,
    /// A hash that may be verified.
    pub(crate) hash: &'a str,
}

/// What is wrong with one line.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct BadLine {
    /// From one on.
    pub(crate) line: usize,
    /// What.
    pub(crate) why: Why,
}

/// Why a line is not taken. None of them repeats what it says behind the name.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Why {
    /// There is no colon.
    #[error("a line has no colon")]
    Colon,
    /// The name may not be made.
    #[error(transparent)]
    Name(#[from] BadName),
    /// The name stands on an earlier line.
    #[error("a name stands on two lines")]
    Twice {
        /// The earlier line.
        first: usize,
    },
    /// The hash is not taken.
    #[error(transparent)]
    Hash(#[from] BadHash),
    /// There is a user of this name.
    #[error("a user of this name exists")]
    Exists,
}

/// Why nobody was imported.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum BadImport {
    /// More bytes than are read.
    #[error("a list of users is too long")]
    TooLong,
    /// Nothing but comments and blank lines.
    #[error("a list of users is empty")]
    Empty,
    /// These lines, in their order; at least one.
    #[error("{} lines of a list of users are not taken", .0.len())]
    Lines(Vec<BadLine>),
}

impl BadImport {
    /// Whether nothing is wrong but that users of these names exist.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Lines(lines) if lines.iter().all(|bad| bad.why == Why::Exists))
    }
}

/// Reads a list.
///
/// # Errors
/// When any line is not taken: half a list would leave it unclear who is in.
pub(crate) fn read(text: &str) -> Result<Vec<Account<'_>>, BadImport> {
    if text.len() > MAX_BYTES {
        return Err(BadImport::TooLong);
    }
    let (mut accounts, mut bad) = (Vec::new(), Vec::new());
    let mut first_lines = HashMap::new();
    for (index, written) in text.strip_prefix('\u{feff}').unwrap_or(text).split('\n').enumerate() {
        let (line, written) = (index + 1, written.trim_end());
        if written.is_empty() || written.starts_with('#') {
            continue;
        }
        let account = account(line, written).and_then(|account| {
            match first_lines.insert(account.name.to_lowercase(), line) {
                Some(first) => Err(Why::Twice { first }),
                None => Ok(account),
            }
        });
        match account {
            Ok(account) => accounts.push(account),
            Err(why) => bad.push(BadLine { line, why }),
        }
    }
    match (accounts.is_empty(), bad.is_empty()) {
        (_, false) => Err(BadImport::Lines(bad)),
        (true, true) => Err(BadImport::Empty),
        (false, true) => Ok(accounts),
    }
}

fn account(line: usize, written: &str) -> Result<Account<'_>, Why> {
    // A name has no colon, a hash of Werkzeug's has some.
    let (name, hash) = written.split_once(':').ok_or(Why::Colon)?;
    check_name(name)?;
    Foreign::parse(hash)?;
    Ok(Account { line, name, hash })
}

impl Tell for Why {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Colon => Sentence::new("import-colon"),
            Self::Name(error) => error.sentence(),
            Self::Twice { first } => Sentence::new("import-twice").with("first", *first),
            Self::Hash(error) => error.sentence(),
            Self::Exists => Sentence::new("import-exists"),
        }
    }
}

impl Tell for BadImport {
    fn sentence(&self) -> Sentence {
        match self {
            Self::TooLong => Sentence::new("import-too-long").with("most", MAX_BYTES / 1024),
            Self::Empty => Sentence::new("import-empty"),
            Self::Lines(lines) => Sentence::new("import-lines").with("lines", told(lines)),
        }
    }
}

/// The first lines one after the other, then how many more there are.
fn told(lines: &[BadLine]) -> Sentence {
    let (named, more) = lines.split_at(lines.len().min(MOST_NAMED));
    let more = (!more.is_empty()).then(|| Sentence::new("import-more").with("count", more.len()));
    let named = named
        .iter()
        .map(|bad| Sentence::new("import-line").with("line", bad.line).with("why", bad.why.sentence()));
    let chained = named
        .chain(more)
        .rev()
        .reduce(|then, first| Sentence::new("import-and").with("first", first).with("then", then));
    chained.unwrap_or_else(|| Sentence::new("import-empty"))
}

/// Longest list, bytes (chosen: some 1,500 users with bcrypt; with room for its escapes it fits into one request).
pub(crate) const MAX_BYTES: usize = 128 * 1024;
/// Lines named in a refusal (chosen: what a person mends before looking again).
const MOST_NAMED: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_texts::{Language, Texts, Words};
    use proptest::prelude::*;
    use std::sync::Arc;

    const HASH: &str = "$apr1$a$tVJH7vY0FgNXTMAHlPqkx0";

    fn words(error: &BadImport) -> String {
        Words::new(Arc::new(Texts::new()), Language::accepted("en")).terminal(&error.sentence())
    }

    fn names(text: &str) -> Vec<(usize, &str)> {
        read(text).unwrap().iter().map(|account| (account.line, account.name)).collect()
    }

    #[test]
    fn comments_blank_lines_and_line_ends_are_no_accounts() {
        let list =
            format!("\u{feff}# made by hand\r\n\r\nanna:{HASH}\r\n   \nben:{HASH}  \n#cora:x\ndora:{HASH}");
        assert_eq!(names(&list), [(3, "anna"), (5, "ben"), (7, "dora")]);
        assert!(read(&list).unwrap().iter().all(|account| account.hash == HASH));
    }

    #[test]
    fn a_hash_with_colons_stays_whole() {
        let hash = format!("pbkdf2:sha256:1000$Sa1t${}", "0".repeat(64));
        assert_eq!(read(&format!("anna:{hash}")).unwrap()[0].hash, hash);
    }

    #[test]
    fn every_bad_line_is_named_with_its_reason() {
        let list = format!(
            "anna\nben:secret\ncora:{HASH}\nCora:{HASH}\n :{HASH}\n:{HASH}\ndora:$2y$99${}\nemil:$apr1$x",
            "a".repeat(53)
        );
        let Err(BadImport::Lines(bad)) = read(&list) else { panic!("it was taken") };
        let found: Vec<(usize, Why)> = bad.into_iter().map(|bad| (bad.line, bad.why)).collect();
        let expected = [
            (1, Why::Colon),
            (2, Why::Hash(BadHash::Unknown)),
            (4, Why::Twice { first: 3 }),
            (5, Why::Name(BadName::Letters)),
            (6, Why::Name(BadName::Length)),
            (7, Why::Hash(BadHash::Expensive)),
            (8, Why::Hash(BadHash::Damaged)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_refusal_is_bounded_and_repeats_no_secret() {
        let list = (1..=5000).map(|number| format!("user{number}:hunter2\n")).collect::<String>();
        let said = words(&read(&list).unwrap_err());
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("line 10:") && !said.contains("line 11:"), "{said}");
        assert!(said.contains("4990"), "{said}");
        assert!(said.len() < 4096, "{} bytes", said.len());
    }

    #[test]
    fn size_is_capped() {
        let list = format!("anna:{HASH}\n");
        let full = format!("{list}{}", "#".repeat(MAX_BYTES - list.len()));
        assert_eq!(names(&full), [(1, "anna")]);
        assert_eq!(read(&format!("{full}#")), Err(BadImport::TooLong));
        for empty in ["", "\n\n", "# nobody\r\n"] {
            assert_eq!(read(empty), Err(BadImport::Empty));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_may_be_made(text in "([a-zA-Z#:/ .$0-9é\\r]{0,30}\\n?){0,6}") {
            if let Ok(accounts) = read(&text) {
                for account in accounts {
                    prop_assert_eq!(check_name(account.name), Ok(()));
                    prop_assert!(Foreign::parse(account.hash).is_ok());
                }
            }
        }

        #[test]
        fn good_lines_come_back_in_order(names in prop::collection::btree_set("[a-z]{1,12}", 1..20)) {
            let list: String = names.iter().map(|name| format!("{name}:{HASH}\n")).collect();
            let read = read(&list).unwrap();
            prop_assert_eq!(read.iter().map(|account| account.name).collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
        }

        #[test]
        fn one_bad_line_lets_nobody_in(before in 0usize..5, after in 0usize..5, bad in "[a-z]{1,20}") {
            let good = |numbers: std::ops::Range<usize>| -> String {
                numbers.map(|number| format!("user{number}:{HASH}\n")).collect()
            };
            let list = format!("{}{bad}\n{}", good(0..before), good(10..10 + after));
            let expected = BadImport::Lines(vec![BadLine { line: before + 1, why: Why::Colon }]);
            prop_assert_eq!(read(&list), Err(expected));
        }
    }
}
