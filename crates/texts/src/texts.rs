//! The language files, read once, and sentences out of them.
//!
//! A message that is missing shows its id, a missing argument its name. Builds with debug assertions stop there, so
//! that every test that says something is also a test of the words.

use crate::{Argument, Language, Sentence};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// Every language, the fallback first.
pub struct Texts(Vec<(&'static str, FluentBundle<FluentResource>)>);

/// Which of a message's forms is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// The value.
    Plain,
    /// The attribute `.terminal` where there is one.
    Terminal,
}

impl Texts {
    /// Reads the built-in files.
    #[must_use]
    pub fn new() -> Self {
        Self(LANGUAGES.iter().filter_map(|(name, files)| Some((*name, bundle(name, files)?))).collect())
    }

    /// The language that is used for these wishes.
    #[must_use]
    pub fn language(&self, language: &Language) -> &'static str {
        self.choose(language).map_or(FALLBACK, |(name, _)| *name)
    }

    /// A sentence without arguments.
    #[must_use]
    pub fn text(&self, language: &Language, id: &str) -> String {
        self.render(language, id, &[], Form::Plain)
    }

    /// A sentence as it stands in the file: names no command.
    #[must_use]
    pub fn sentence(&self, language: &Language, sentence: &Sentence) -> String {
        self.render(language, sentence.id, &sentence.arguments, Form::Plain)
    }

    /// The same for somebody at a terminal.
    #[must_use]
    pub fn terminal(&self, language: &Language, sentence: &Sentence) -> String {
        self.render(language, sentence.id, &sentence.arguments, Form::Terminal)
    }

    /// A sentence that stands alone: with a capital letter and its end, which in the files only those have that are
    /// never part of another.
    #[must_use]
    pub fn whole(&self, language: &Language, sentence: &Sentence) -> String {
        let clause = self.sentence(language, sentence);
        let mut letters = clause.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let clause = first + letters.as_str();
        if clause.ends_with(ENDS) {
            return clause;
        }
        self.sentence(language, &Sentence::new("whole").with("clause", clause))
    }

    fn render(
        &self,
        language: &Language,
        id: &str,
        arguments: &[(&'static str, Argument)],
        form: Form,
    ) -> String {
        let mut filled = FluentArgs::with_capacity(arguments.len());
        for (name, argument) in arguments {
            filled.set(*name, self.value(language, argument, form));
        }
        for (_, bundle) in self.choose(language).into_iter().chain(self.0.first()) {
            if let Some(text) = bundle.get_message(id).and_then(|message| {
                let mut errors = Vec::new();
                let terminal = message.get_attribute(TERMINAL).filter(|_| form == Form::Terminal);
                let pattern = terminal.map(|attribute| attribute.value()).or_else(|| message.value())?;
                let text = bundle.format_pattern(pattern, Some(&filled), &mut errors);
                debug_assert!(errors.is_empty(), "`{id}` lacks something: {errors:?}");
                Some(text.into_owned())
            }) {
                return text;
            }
        }
        debug_assert!(false, "no language file has `{id}`");
        id.to_owned()
    }

    fn value(&self, language: &Language, argument: &Argument, form: Form) -> FluentValue<'static> {
        match argument {
            Argument::Text(text) => FluentValue::String(text.clone().into()),
            Argument::Number(number) => FluentValue::from(*number),
            Argument::Sentence(inner) => {
                FluentValue::String(self.render(language, inner.id, &inner.arguments, form).into())
            }
        }
    }

    fn choose(&self, language: &Language) -> Option<&(&'static str, FluentBundle<FluentResource>)> {
        let known = |wish: &str| self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(wish));
        language.wishes().find_map(known).or_else(|| self.0.first())
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::new()
    }
}

fn bundle(name: &str, files: &[(&str, &str)]) -> Option<FluentBundle<FluentResource>> {
    let language: LanguageIdentifier = name.parse().ok()?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Marks around arguments confuse screen readers, terminals and tests; no text here mixes directions.
    bundle.set_use_isolating(false);
    for (_, text) in files {
        let resource = FluentResource::try_new((*text).to_owned()).ok()?;
        bundle.add_resource(resource).ok()?;
    }
    Some(bundle)
}

/// The attribute with the form for a terminal.
const TERMINAL: &str = "terminal";
/// The language every message exists in.
const FALLBACK: &str = "en";
/// Marks that end a sentence already.
const ENDS: [char; 5] = ['.', '!', '?', '…', '。'];
/// The files of each language, the fallback first.
const LANGUAGES: &[(&str, &[(&str, &str)])] = &[(FALLBACK, EN)];
const EN: &[(&str, &str)] = &[
    ("visitors", include_str!("../../../locales/en/visitors.ftl")),
    ("owner", include_str!("../../../locales/en/owner.ftl")),
    ("terminal", include_str!("../../../locales/en/terminal.ftl")),
    ("tray", include_str!("../../../locales/en/tray.ftl")),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> (Texts, Language) {
        (Texts::new(), Language::accepted("en-GB,en;q=0.9"))
    }

    #[test]
    fn every_language_is_read_whole() {
        assert_eq!(Texts::new().0.len(), LANGUAGES.len());
        for (name, files) in LANGUAGES {
            assert!(bundle(name, files).is_some(), "{name}: a mistake in a file, or one id in two files");
        }
    }

    #[test]
    fn unknown_wishes_get_the_fallback_and_numbers_agree() {
        let (texts, language) = english();
        assert_eq!(texts.language(&Language::accepted("tlh, x;q=0.1")), "en");
        let wait = |seconds: u64| Sentence::new("sign-in-wait").with("seconds", seconds);
        assert!(texts.sentence(&language, &wait(1)).ends_with("in one second."));
        assert!(texts.sentence(&language, &wait(2)).ends_with("in 2 seconds."));
    }

    #[test]
    fn one_message_speaks_to_a_window_and_to_a_terminal() {
        let (texts, language) = english();
        let sentence = Sentence::new("no-user");
        assert_eq!(texts.whole(&language, &sentence), "Nobody could sign in yet: add a person first.");
        assert_eq!(
            texts.terminal(&language, &sentence),
            "nobody could sign in yet: add a user first with `drawbridge user add NAME`"
        );
        let plain = Sentence::new("stale");
        assert_eq!(texts.terminal(&language, &plain), texts.sentence(&language, &plain));
    }

    #[test]
    fn a_sentence_inside_another_has_its_form() {
        let (texts, language) = english();
        let cause = Sentence::new("port-taken").with("port", 8444_u16).with("address", "127.0.0.1");
        let sentence = Sentence::new("port-unusable").with("cause", cause);
        assert_eq!(
            texts.whole(&language, &sentence),
            "Port 8444 on 127.0.0.1 is in use by another program; free it, or choose another port."
        );
        assert!(texts.terminal(&language, &sentence).starts_with("port 8444 on 127.0.0.1 is in use"));
        assert!(texts.terminal(&language, &sentence).ends_with("`drawbridge settings set`"));
    }

    #[test]
    fn what_is_whole_stays_as_it_is() {
        let (texts, language) = english();
        let sentence = Sentence::new("trouble-recovery-why");
        assert_eq!(texts.whole(&language, &sentence), texts.sentence(&language, &sentence));
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "`tool-unknown` lacks something")]
    fn a_missing_argument_is_noticed() {
        let (texts, language) = english();
        let _ = texts.sentence(&language, &Sentence::new("tool-unknown"));
    }

    #[cfg(debug_assertions)]
    #[test]
    #[should_panic(expected = "no language file has `nobody-wrote-this`")]
    fn a_missing_message_is_noticed() {
        let (texts, language) = english();
        let _ = texts.text(&language, "nobody-wrote-this");
    }
}
