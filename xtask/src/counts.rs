//! How many tests a run of `cargo test` passed and failed, read from what it prints.
//!
//! The stable interface of the test harness is its text: one line `test result: …` for each test program.

use std::ops::AddAssign;

/// A number of tests, or of checks that count as one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that were well.
    pub(crate) passed: u64,
    /// Those that were not.
    pub(crate) failed: u64,
}

impl Counts {
    /// A check that counts as one.
    pub(crate) fn one(ok: bool) -> Self {
        Self { passed: u64::from(ok), failed: u64::from(!ok) }
    }

    /// What this line says; nothing unless it is the last line of a test program.
    pub(crate) fn of_line(line: &str) -> Self {
        let Some((_, numbers)) =
            line.trim().strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return Self::default();
        };
        let number = |word: &str| {
            numbers
                .split(';')
                .filter_map(|part| part.trim().split_once(' '))
                .find(|(_, name)| *name == word)
                .and_then(|(number, _)| number.parse().ok())
                .unwrap_or(0)
        };
        Self { passed: number("passed"), failed: number("failed") }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn the_closing_lines_of_test_programs_are_counted() {
        let lines = [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s",
            "test something ... FAILED",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.30s",
        ];
        let mut sum = Counts::default();
        for line in lines {
            sum += Counts::of_line(line);
        }
        assert_eq!(sum, Counts { passed: 15, failed: 2 });
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "5 passed; 1 failed", "test result: ok", "test result: ok. many passed; few failed;"]
        {
            assert_eq!(Counts::of_line(line), Counts::default(), "{line}");
        }
    }
}
