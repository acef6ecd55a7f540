//! The visitors' sentences from the Fluent files, by the browser's languages.

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

/// Every language, the fallback first.
pub(super) struct Texts(Vec<(String, FluentBundle<FluentResource>)>);

impl Texts {
    /// Reads the built-in files.
    pub(super) fn new() -> Self {
        Self(
            FILES.iter().filter_map(|(name, text)| Some(((*name).to_owned(), bundle(name, text)?))).collect(),
        )
    }

    /// The language that is used for these wishes.
    pub(super) fn language(&self, wishes: &str) -> &str {
        self.choose(wishes).map_or("en", |(name, _)| name)
    }

    /// A sentence without arguments.
    pub(super) fn text(&self, wishes: &str, id: &str) -> String {
        self.with(wishes, id, &FluentArgs::new())
    }

    /// A sentence with arguments. A missing one shows its name, and fails the test below.
    pub(super) fn with(&self, wishes: &str, id: &str, arguments: &FluentArgs<'_>) -> String {
        let chosen = self.choose(wishes).into_iter().chain(self.0.first());
        for (_, bundle) in chosen {
            if let Some(pattern) = bundle.get_message(id).and_then(|message| message.value()) {
                return bundle.format_pattern(pattern, Some(arguments), &mut Vec::new()).into_owned();
            }
        }
        id.to_owned()
    }

    fn choose(&self, wishes: &str) -> Option<&(String, FluentBundle<FluentResource>)> {
        let wished = wishes.split(',').filter_map(|wish| wish.split([';', '-']).next()).map(str::trim);
        wished
            .filter_map(|wish| self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(wish)))
            .next()
            .or_else(|| self.0.first())
    }
}

fn bundle(name: &str, text: &str) -> Option<FluentBundle<FluentResource>> {
    let language: LanguageIdentifier = name.parse().ok()?;
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // Marks around arguments confuse screen readers and tests; no text here mixes directions.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(text.to_owned()).ok()?;
    bundle.add_resource(resource).ok()?;
    Some(bundle)
}

/// The files, the fallback first.
const FILES: &[(&str, &str)] = &[("en", include_str!("../../locales/en.ftl"))];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::refusal::Refusal;
    use std::time::Duration;

    #[test]
    fn every_file_is_read_and_every_refusal_has_its_words() {
        let texts = Texts::new();
        assert_eq!(texts.0.len(), FILES.len());
        for refusal in [
            Refusal::SignInNeeded,
            Refusal::WrongCredential,
            Refusal::Wait(Duration::ZERO),
            Refusal::NotForYou,
            Refusal::CrossSite,
            Refusal::StaleCode,
            Refusal::NoSuchPage,
            Refusal::TooMuch,
            Refusal::ToolDown,
            Refusal::ToolForeign,
            Refusal::ToolBroken,
            Refusal::ToolSlow,
            Refusal::Busy,
            Refusal::Internal,
            Refusal::Withdrawn,
        ] {
            for part in ["title", "text"] {
                let id = format!("{}-{part}", refusal.row().text);
                assert_ne!(texts.text("en", &id), id);
            }
        }
    }

    #[test]
    fn unknown_wishes_get_the_fallback_and_numbers_agree() {
        let texts = Texts::new();
        assert_eq!(texts.language("tlh, x;q=0.1"), "en");
        let mut arguments = FluentArgs::new();
        arguments.set("seconds", 1);
        assert!(texts.with("en-GB,en;q=0.9", "sign-in-wait", &arguments).ends_with("in one second."));
    }
}
