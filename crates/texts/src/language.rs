//! Which languages somebody reads, the dearest first, as browsers and systems say it.

/// Wishes as in the field `Accept-Language` (RFC 9110 §12.5.4), in the order they stand in; weights are not weighed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Language(String);

impl Language {
    /// What a browser sent.
    #[must_use]
    pub fn accepted(field: &str) -> Self {
        Self(field.to_owned())
    }

    /// What this process was told: `LC_ALL`, `LC_MESSAGES` or `LANG`, the first that says anything (POSIX.1, §8.2).
    #[must_use]
    pub fn of_process() -> Self {
        Self::of_variables(|name| std::env::var(name).ok())
    }

    /// The same from any source of variables.
    fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let locale =
            names.into_iter().filter_map(variable).find(|value| !value.is_empty()).unwrap_or_default();
        // `de_DE.UTF-8@euro` is German as in Germany; how its letters are written is no matter here.
        let tag = locale.split(['.', '@']).next().unwrap_or_default();
        Self(tag.replace('_', "-"))
    }

    /// The primary tags wished for, in order.
    pub(crate) fn wishes(&self) -> impl Iterator<Item = &str> {
        self.0.split(',').filter_map(|wish| wish.split([';', '-']).next()).map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_says_anything_counts() {
        let of = |variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
            Language::of_variables(|name| found(name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Language::accepted("de-DE"));
        assert_eq!(
            of(&[("LC_ALL", ""), ("LC_MESSAGES", "fr@euro"), ("LANG", "de")]),
            Language::accepted("fr")
        );
        assert_eq!(of(&[("LC_ALL", "C.UTF-8"), ("LANG", "de")]), Language::accepted("C"));
        assert_eq!(of(&[]).wishes().collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn wishes_are_primary_tags() {
        let language = Language::accepted("en-GB, de;q=0.8,*");
        assert_eq!(language.wishes().collect::<Vec<_>>(), ["en", "de", "*"]);
    }
}
