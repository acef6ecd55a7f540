//! The inputs that were kept, replayed: what the fuzzer found worth keeping, and every crash it ever found.

use super::{TARGETS, Target};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Gives a target every input that was kept for it.
pub(super) fn replay(name: &str, target: Target) {
    let inputs = files(&folder("corpus").join(name));
    assert!(
        !inputs.is_empty(),
        "fuzz/corpus/{name} is missing or empty: `cargo xtask fuzz {name} --keep` fills it"
    );
    for path in inputs.into_iter().chain(files(&folder("regressions").join(name))) {
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| target(&input));
        assert!(outcome.is_ok(), "{} breaks a promise of `{name}`", path.display());
    }
}

#[test]
fn every_folder_of_inputs_belongs_to_a_target() {
    let targets: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for kind in ["corpus", "regressions"] {
        for path in entries(&folder(kind)) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap();
            assert!(targets.contains(name), "no target reads fuzz/{kind}/{name}");
        }
    }
}

#[test]
fn the_corpus_stays_small() {
    let all = TARGETS.iter().flat_map(|(name, _)| files(&folder("corpus").join(name)));
    let bytes: u64 = all.map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes < MOST_BYTES, "{bytes} bytes: thin it out with `cargo xtask fuzz --keep`");
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(kind)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_file()).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Most bytes of all kept inputs together (chosen: a clone must stay small).
const MOST_BYTES: u64 = 1024 * 1024;
