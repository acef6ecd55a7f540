//! A list of users from elsewhere: what is taken could have been typed, and a refusal says little.

use super::text;
use crate::identity::{
    foreign::Foreign,
    import::{self, BadImport},
    user::check_name,
};
use drawbridge_texts::{Language, Tell as _, Texts};
use std::collections::BTreeSet;

/// Lines of `NAME:HASH`.
pub fn user_list(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match import::read(text) {
        Ok(accounts) => {
            assert!(!accounts.is_empty());
            let names: BTreeSet<String> =
                accounts.iter().map(|account| account.name.to_lowercase()).collect();
            assert_eq!(names.len(), accounts.len(), "a name twice");
            for account in &accounts {
                assert_eq!(check_name(account.name), Ok(()));
                assert!(Foreign::parse(account.hash).is_ok());
                assert!(text.lines().nth(account.line - 1).is_some_and(|line| line.contains(account.hash)));
            }
            let list: String = accounts.iter().map(|it| format!("{}:{}\n", it.name, it.hash)).collect();
            let again = import::read(&list).unwrap();
            let pair = |account: &import::Account<'_>| (account.name.to_owned(), account.hash.to_owned());
            assert!(again.iter().map(pair).eq(accounts.iter().map(pair)), "what was read reads as the same");
        }
        Err(error) => {
            if let BadImport::Lines(lines) = &error {
                assert!(lines.is_sorted_by_key(|bad| bad.line) && !lines.is_empty());
            }
            let said = Texts::new().terminal(&Language::accepted("en"), &error.sentence());
            assert!(said.len() < 4096, "{} bytes of refusal", said.len());
        }
    }
}
