//! libFuzzer around the targets of the engine. Which one is chosen by `DRAWBRIDGE_FUZZ_TARGET`: one program for all is
//! linked once, and a new target is one line in the engine. `cargo xtask fuzz` says how it is built and run.

#![no_main]

use drawbridge_engine::fuzzing::{self, Target};
use std::sync::OnceLock;

/// The target of this run.
static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("DRAWBRIDGE_FUZZ_TARGET").unwrap_or_default();
        match fuzzing::target(&name) {
            Some(target) => drop(TARGET.set(target)),
            None => {
                eprintln!("`{name}` is no target; DRAWBRIDGE_FUZZ_TARGET names a folder of fuzz/corpus");
                std::process::exit(2);
            }
        }
    },
    |bytes: &[u8]| if let Some(target) = TARGET.get() { target(bytes) }
);
