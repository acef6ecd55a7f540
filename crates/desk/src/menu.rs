//! The tray's menu as plain data: sentences, choices, and what each entry asks for.

use crate::{
    desk::{EngineState, View},
    face::Act,
};
use drawbridge_protocol::{DoorState, Headline, Level, Status, Tool};
use drawbridge_texts::{Sentence, Words};
use std::collections::BTreeSet;

/// One line of the menu.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// Words that do nothing.
    Words(String),
    /// Something to do, or nothing to do now.
    Item(String, Option<Act>),
    /// One of several, and which is true.
    Choice(Vec<(String, Act)>, usize),
    /// More behind it.
    Submenu(String, Vec<Entry>),
    /// A line between groups.
    Line,
}

/// The whole menu.
pub(crate) fn entries(words: &Words, view: &View) -> Vec<Entry> {
    let mut entries = vec![Entry::Words(status_line(words, view))];
    if let EngineState::Gone { .. } = view.engine {
        entries.push(Entry::Item(words.sentence(&Sentence::new("tray-start")), Some(Act::Start)));
    }
    let tools = view.whole.as_ref().map_or(&[][..], |whole| &whole.status.tools);
    if let Some(whole) = &view.whole {
        if !whole.status.problems.is_empty() {
            let line = Sentence::new("tray-problems").with("count", whole.status.problems.len());
            entries.push(Entry::Item(words.sentence(&line), Some(Act::Window)));
        }
        if !whole.approvals.is_empty() {
            let line = Sentence::new("tray-approvals").with("count", whole.approvals.len());
            entries.push(Entry::Item(words.sentence(&line), Some(Act::Window)));
        }
        entries.push(Entry::Line);
        entries.extend(tools.iter().map(|tool| submenu(words, tool, &whole.status)));
        if tools.is_empty() {
            entries.push(Entry::Item(words.sentence(&Sentence::new("tray-first-tool")), Some(Act::Window)));
        }
    }
    let open = tools.iter().filter(|tool| tool.level > Level::Local).count();
    // What waits is wanted open: closing takes that back too. What is not known yet may be open.
    let unknown = view.whole.is_none() && !matches!(view.engine, EngineState::Gone { .. });
    let closable = unknown || tools.iter().any(|tool| tool.level.max(tool.wanted) > Level::Local);
    entries.push(Entry::Line);
    entries
        .push(Entry::Item(words.sentence(&Sentence::new("tray-close-all")), closable.then_some(Act::Close)));
    entries.push(Entry::Line);
    entries.push(Entry::Item(words.sentence(&Sentence::new("tray-settings")), Some(Act::Settings)));
    let here = matches!(view.engine, EngineState::Running { here: true });
    let quit = match (open, here) {
        (0, _) => words.sentence(&Sentence::new("tray-quit")),
        (_, false) => words.sentence(&Sentence::new("tray-quit-stay")),
        (_, true) => {
            let names: Vec<_> = tools.iter().filter(|tool| tool.level > Level::Local).map(name).collect();
            let line = Sentence::new("tray-quit-closes").with("count", open).with("names", names.join(", "));
            clipped(&words.sentence(&line), LABEL)
        }
    };
    entries.push(Entry::Item(quit, Some(Act::Quit)));
    entries
}

/// What is true, in one line.
pub(crate) fn status_line(words: &Words, view: &View) -> String {
    let sentence = match (&view.engine, &view.whole) {
        (EngineState::Starting, _) | (EngineState::Running { .. }, None) => Sentence::new("tray-starting"),
        (EngineState::Gone { .. }, _) => Sentence::new("tray-gone"),
        (EngineState::Running { .. }, Some(whole)) => match whole.status.headline {
            Headline::Closed => Sentence::new("tray-closed"),
            Headline::Trouble if whole.status.tools.iter().all(|tool| tool.level == Level::Local) => {
                Sentence::new("tray-trouble")
            }
            // What is wrong must not hide what is open.
            Headline::Trouble => Sentence::new("tray-trouble-open").with("names", farthest(&whole.status)),
            Headline::Lan if whole.status.tools.iter().any(|tool| tool.anybody_until.is_some()) => {
                Sentence::new("tray-anybody").with("names", without_password(&whole.status))
            }
            Headline::Lan => Sentence::new("tray-lan").with("names", farthest(&whole.status)),
            Headline::Internet => Sentence::new("tray-internet").with("names", farthest(&whole.status)),
        },
    };
    clipped(&words.sentence(&sentence), LABEL)
}

/// Names of the tools that are open farthest.
fn farthest(status: &Status) -> String {
    let level = status.tools.iter().map(|tool| tool.level).max().unwrap_or_default();
    let names: Vec<_> = status.tools.iter().filter(|tool| tool.level == level).map(name).collect();
    names.join(", ")
}

/// Names of the tools that anybody may use.
fn without_password(status: &Status) -> String {
    let names: Vec<_> = status.tools.iter().filter(|tool| tool.anybody_until.is_some()).map(name).collect();
    names.join(", ")
}

fn submenu(words: &Words, tool: &Tool, status: &Status) -> Entry {
    let levels = [Level::Local, Level::Lan, Level::Internet];
    let choice =
        levels.map(|level| (words.sentence(&level_sentence(level)), Act::Level(tool.id.clone(), level)));
    let works = tool.doors.iter().any(|door| door.state == DoorState::Open && door.level <= tool.level);
    let shared = |act: Act| works.then_some(act);
    let mut entries = vec![
        Entry::Choice(choice.to_vec(), levels.iter().position(|level| *level == tool.level).unwrap_or(0)),
        Entry::Words(words.sentence(&Sentence::new("tray-limit"))),
        Entry::Line,
        Entry::Item(words.sentence(&Sentence::new("tray-copy")), shared(Act::Copy(tool.id.clone()))),
        Entry::Item(words.sentence(&Sentence::new("tray-qr")), shared(Act::Qr(tool.id.clone()))),
        Entry::Item(words.sentence(&Sentence::new("tray-open")), Some(Act::Open(tool.target.clone()))),
    ];
    if tool.anybody_until.is_some() {
        // Never the other way round: that wants a question answered, in the window.
        let again = Sentence::new("tray-with-password");
        entries.splice(
            0..0,
            [
                Entry::Words(words.sentence(&Sentence::new("tray-tool-anybody"))),
                Entry::Item(words.sentence(&again), Some(Act::WithPassword(tool.id.clone()))),
                Entry::Line,
            ],
        );
    }
    // One person may be in from several devices.
    let in_it = status.visitors.iter().filter(|visitor| visitor.tool == tool.name);
    let visitors = in_it.map(|visitor| &visitor.user).collect::<BTreeSet<_>>().len();
    if visitors > 0 {
        let line = Sentence::new("tray-visitors").with("count", visitors);
        entries.push(Entry::Words(words.sentence(&line)));
    }
    let label = Sentence::new("tray-tool").with("name", name(tool)).with("level", short_level(tool.level));
    Entry::Submenu(words.sentence(&label), entries)
}

const fn level_sentence(level: Level) -> Sentence {
    match level {
        Level::Local => Sentence::new("tray-level-local"),
        Level::Lan => Sentence::new("tray-level-lan"),
        Level::Internet => Sentence::new("tray-level-internet"),
    }
}

const fn short_level(level: Level) -> Sentence {
    match level {
        Level::Local => Sentence::new("tray-short-local"),
        Level::Lan => Sentence::new("tray-short-lan"),
        Level::Internet => Sentence::new("tray-short-internet"),
    }
}

/// A tool's name as a menu can show it: one line, nothing that turns the direction of the text around.
fn name(tool: &Tool) -> String {
    let shown = clipped(&tool.name, NAME);
    if shown.trim().is_empty() { tool.id.clone() } else { shown }
}

/// A person's name, likewise.
pub(crate) fn shown_name(name: &str) -> String {
    clipped(name, NAME)
}

fn clipped(text: &str, characters: usize) -> String {
    let visible: Vec<char> = text.chars().filter(|letter| !is_unseen(*letter)).take(characters + 1).collect();
    let mut kept: String = visible.iter().take(characters).collect();
    if visible.len() > characters {
        kept.push('…');
    }
    kept
}

/// What has no look of its own, or changes how its neighbours look (Unicode: controls, format characters, tags).
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Characters of a tool's name in a menu, and of a whole line (chosen: menus are as wide as their longest line).
const NAME: usize = 40;
const LABEL: usize = 90;
