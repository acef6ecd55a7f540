//! What a refusal says to people.

/// Fails unless this is one clear sentence from us: one line, no inside words of the program.
pub(crate) fn assert_one_sentence(said: &str) {
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("drawbridge: ")).collect();
    assert_eq!(lines.len(), 1, "one sentence, not: {said}");
    for inside in ["panicked", "Err(", "Some(", "unwrap", "RUST_BACKTRACE", "{ "] {
        assert!(!said.contains(inside), "`{inside}` is no word for people: {said}");
    }
}
