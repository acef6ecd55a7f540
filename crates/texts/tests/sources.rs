//! Code and language files agree: every sentence that is made has its message with exactly these arguments, every
//! message is used, and none that a window shows names a command.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it finds something wrong")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A message's forms: the value, then its attributes.
type Messages = BTreeMap<String, Vec<String>>;

/// A sentence made somewhere in the code.
struct Made {
    id: String,
    arguments: BTreeSet<String>,
    place: String,
}

#[test]
fn every_sentence_has_its_message_with_these_arguments() {
    let messages = messages(&["visitors", "owner", "terminal", "tray"]);
    let made = made();
    assert!(made.len() > 200, "only {} sentences were found in the sources", made.len());
    for Made { id, arguments, place } in &made {
        let forms = messages.get(id).unwrap_or_else(|| panic!("{place}: no file has `{id}`"));
        let used: BTreeSet<String> = forms.iter().flat_map(|form| variables(form)).collect();
        assert_eq!(*arguments, used, "{place}: `{id}`");
    }
}

#[test]
fn every_message_of_the_owner_is_used() {
    let ids: BTreeSet<String> = made().into_iter().map(|made| made.id).collect();
    let inside = fs::read_to_string(root().join("crates/texts/src/texts.rs")).expect("the sources are there");
    for id in messages(&["owner", "terminal", "tray"]).keys() {
        assert!(ids.contains(id) || inside.contains(&format!("Sentence::new(\"{id}\")")), "`{id}` is unused");
    }
}

#[test]
fn every_message_of_visitors_is_used_and_there() {
    let messages = messages(&["visitors"]);
    let files = sources(&["crates/engine/src/pages", "crates/engine/src/proxy"]);
    let code: String = files.into_iter().map(|(_, text)| text).collect();
    let is_named = |id: &str| code.contains(&format!("\"{id}\""));
    for id in messages.keys() {
        let refusal = id.strip_suffix("-title").or_else(|| id.strip_suffix("-text"));
        assert!(is_named(id) || refusal.is_some_and(is_named), "`{id}` is unused");
    }
    let asked: Vec<&str> = ["text(\"", "text(&language, \""]
        .into_iter()
        .flat_map(|call| code.split(call).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(asked.len() > 8, "only {asked:?} were found in the sources");
    for id in asked {
        assert!(messages.contains_key(id), "no file has `{id}`");
    }
}

#[test]
fn a_window_shows_no_command() {
    let messages = messages(&["owner"]);
    assert!(messages.len() > 150, "only {} messages were read", messages.len());
    for (id, forms) in &messages {
        let option = forms[0].split(" --").nth(1).is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        assert!(!forms[0].contains("drawbridge ") && !option, "`{id}` names a command: {}", forms[0]);
    }
}

/// The messages of these files.
fn messages(files: &[&str]) -> Messages {
    let mut messages = Messages::new();
    for file in files {
        let path = root().join("locales/en").join(file).with_extension("ftl");
        let text = fs::read_to_string(path).expect("the language files are there");
        let mut forms: Option<&mut Vec<String>> = None;
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let indented = line.starts_with([' ', '}']);
            match (line.split_once(" = "), &mut forms) {
                (Some((id, value)), _) if !indented => {
                    let known = messages.insert(id.to_owned(), vec![value.to_owned()]);
                    assert!(known.is_none(), "`{id}` is there twice");
                    forms = messages.get_mut(id);
                }
                (Some((name, value)), Some(forms)) if name.trim_start().starts_with('.') => {
                    forms.push(value.to_owned());
                }
                (_, Some(forms)) => forms.last_mut().expect("a form").push_str(line),
                (_, None) => panic!("{file}: `{line}` belongs to no message"),
            }
        }
    }
    messages
}

/// The names after each `$`.
fn variables(form: &str) -> BTreeSet<String> {
    let name = |rest: &str| rest.chars().take_while(|letter| letter.is_alphanumeric()).collect();
    form.split('$').skip(1).map(name).collect()
}

/// Every `Sentence::new("…")` with the arguments that follow it.
fn made() -> Vec<Made> {
    let mut made = Vec::new();
    for (place, text) in sources(&["crates/engine/src", "crates/desk/src", "src-tauri", "cli"]) {
        for rest in text.split("Sentence::new(").skip(1) {
            let id = rest.strip_prefix('"').and_then(|rest| rest.split_once("\")"));
            let (id, rest) = id
                .unwrap_or_else(|| panic!("{place}: an id is not written out, so nothing here can check it"));
            made.push(Made { id: id.to_owned(), arguments: arguments(rest), place: place.clone() });
        }
    }
    made
}

/// The names in a chain of `.with("name", …)` and `.quoting("name", …)`.
fn arguments(mut rest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        rest = rest.trim_start();
        let call = rest.strip_prefix(".with(").or_else(|| rest.strip_prefix(".quoting("));
        let Some((name, after)) =
            call.and_then(|call| call.trim_start().strip_prefix('"')).and_then(|call| call.split_once("\","))
        else {
            return names;
        };
        names.insert(name.to_owned());
        let mut depth = 1_u32;
        let end = after.find(|letter| {
            match letter {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        rest = &after[end.expect("a call ends") + 1..];
    }
}

/// Every Rust file beneath these folders, with its path in the repository.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting
                .extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a file");
            files.push((path.display().to_string(), text));
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
