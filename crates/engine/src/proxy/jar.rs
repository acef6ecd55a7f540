//! The cookie jar that tools on one host share, because browsers ignore ports: what of it is whose.
//!
//! `HttpOnly` cookies bear the mark of their door. The others keep their names, because scripts read them; of these it is
//! remembered, in memory only, which tool has set which name. That is good order between honest tools and no wall: a
//! hostile one can read and set such cookies by script, and can set any name to be given it.

use super::{door::Door, limits};
use crate::{
    headers::{authority::Scheme, tool_cookie::SetCookie},
    tools::ToolId,
};
use arc_swap::ArcSwap;
use hyper::header::HeaderValue;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

/// Which names the tools have set on hosts they share. Read by every request without a lock, written when a tool sets a
/// name for the first time.
#[derive(Default)]
pub(crate) struct Names {
    book: ArcSwap<Book>,
    writing: Mutex<()>,
}

#[derive(Clone, Default)]
struct Book {
    setters: HashMap<Box<[u8]>, Vec<Setter>>,
    /// Tools that set more names than are remembered.
    full: HashSet<ToolId>,
}

/// How a tool has set a name.
#[derive(Clone, Debug)]
struct Setter {
    tool: ToolId,
    spellings: Spellings,
}

/// Whether a name was ever set in each way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Spellings {
    /// For scripts too, under its own name.
    plain: bool,
    /// `HttpOnly`, under a marked name.
    marked: bool,
    /// `HttpOnly` without TLS, where no name can be marked: known there alone, because anybody may have planted it.
    clear: bool,
}

/// The jar of one door whose host has other doors.
pub(crate) struct Jar<'a> {
    scheme: Scheme,
    mark: &'a str,
    tool: &'a ToolId,
    names: &'a Names,
}

impl<'a> Jar<'a> {
    /// The jar of a door; none where its tool has a host of its own.
    pub(crate) fn of(door: &'a Door, scheme: Scheme, tool: &'a ToolId, names: &'a Names) -> Option<Self> {
        door.cookie_mark.as_deref().map(|mark| Self { scheme, mark, tool, names })
    }

    /// What stands before the names of this door's `HttpOnly` cookies.
    pub(crate) fn mark(&self) -> &'a str {
        self.mark
    }

    /// Whether an unmarked cookie of this name is the tool's business.
    pub(crate) fn passes(&self, name: &[u8]) -> bool {
        self.names.book.load().passes(name, self.tool, self.scheme)
    }

    /// Adds what the browser shall do for a tool's `Set-Cookie`.
    ///
    /// In a browser one cookie has one spelling: to set or delete it in one way takes the other away. Here they are two
    /// names, so the other is removed along. The marked one always, because it can only be this door's; the plain one
    /// where this tool has set it, because it may be a neighbour's otherwise.
    pub(crate) fn set(&self, cookie: SetCookie<'_>, kept: &mut Vec<HeaderValue>) {
        if self.scheme == Scheme::Http {
            // A mark demands `Secure`, and without TLS no browser would take that.
            if !cookie.is_removal() {
                let (plain, clear) = (!cookie.is_http_only(), cookie.is_http_only());
                self.names.learn(self.tool, cookie.name, Spellings { plain, clear, ..Spellings::default() });
            }
            kept.extend(cookie.own_host());
        } else if cookie.is_http_only() {
            let marked = Spellings { marked: true, ..Spellings::default() };
            let known = self.names.learn(self.tool, cookie.name, marked);
            kept.extend(cookie.marked(self.mark));
            if known.plain {
                kept.extend(cookie.removed(""));
            }
        } else {
            // Who deletes a name says nothing about how it is set.
            if !cookie.is_removal() {
                let plain = Spellings { plain: true, ..Spellings::default() };
                self.names.learn(self.tool, cookie.name, plain);
            }
            kept.extend(cookie.own_host());
            kept.extend(cookie.removed(self.mark));
        }
    }
}

impl Names {
    /// Remembers that a tool has set a name; says how it ever did.
    fn learn(&self, tool: &ToolId, name: &[u8], how: Spellings) -> Spellings {
        if name.is_empty() || name.len() > limits::COOKIE_NAME_BYTES {
            return how;
        }
        let book = self.book.load();
        let known = book.of(tool, name);
        let learned = known.unwrap_or_default().and(how);
        if known == Some(learned) || (known.is_none() && book.full.contains(tool)) {
            return learned;
        }
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::clone(&self.book.load());
        book.learn(tool, name, how);
        self.book.store(Arc::new(book));
        learned
    }

    /// Forgets the others: tools that are gone set nothing any more.
    pub(crate) fn keep(&self, which: impl Fn(&ToolId) -> bool) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::clone(&self.book.load());
        book.full.retain(&which);
        book.setters.retain(|_, setters| {
            setters.retain(|setter| which(&setter.tool));
            !setters.is_empty()
        });
        self.book.store(Arc::new(book));
    }
}

impl Book {
    fn of(&self, tool: &ToolId, name: &[u8]) -> Option<Spellings> {
        let setters = self.setters.get(name)?;
        setters.iter().find(|setter| setter.tool == *tool).map(|setter| setter.spellings)
    }

    fn passes(&self, name: &[u8], tool: &ToolId, scheme: Scheme) -> bool {
        let Some(setters) = self.setters.get(name) else { return true };
        match setters.iter().find(|setter| setter.tool == *tool) {
            // Set as `HttpOnly` alone, it comes marked: this one was planted.
            Some(own) => own.spellings.plain || (own.spellings.clear && scheme == Scheme::Http),
            // More names than are remembered: rather too many cookies than a tool that does not work.
            None => self.full.contains(tool) || !setters.iter().any(|setter| setter.spellings.unmarked()),
        }
    }

    fn learn(&mut self, tool: &ToolId, name: &[u8], how: Spellings) {
        let count = self.setters.values().flatten().filter(|setter| setter.tool == *tool).count();
        let setters = self.setters.get_mut(name);
        if let Some(own) = setters.and_then(|all| all.iter_mut().find(|setter| setter.tool == *tool)) {
            own.spellings = own.spellings.and(how);
        } else if count < limits::COOKIE_NAMES {
            let setter = Setter { tool: tool.clone(), spellings: how };
            self.setters.entry(name.into()).or_default().push(setter);
        } else {
            self.full.insert(tool.clone());
        }
    }
}

impl Spellings {
    const fn unmarked(self) -> bool {
        self.plain || self.clear
    }

    const fn and(self, other: Self) -> Self {
        let (plain, marked) = (self.plain || other.plain, self.marked || other.marked);
        Self { plain, marked, clear: self.clear || other.clear }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::tool_cookie;

    struct Ground {
        names: Names,
        mark: String,
        tools: [ToolId; 2],
    }

    impl Ground {
        fn new() -> Self {
            let tools = ["a", "b"].map(|id| ToolId::stored(id.into()));
            Self { names: Names::default(), mark: tool_cookie::mark(8444), tools }
        }

        fn jar(&self, tool: usize) -> Jar<'_> {
            Jar { scheme: Scheme::Https, mark: &self.mark, tool: &self.tools[tool], names: &self.names }
        }

        /// What the browser gets for a `Set-Cookie`.
        fn set(&self, tool: usize, text: &str) -> Vec<String> {
            let (value, mut kept) = (HeaderValue::from_str(text).unwrap(), Vec::new());
            self.jar(tool).set(SetCookie::read(&value), &mut kept);
            kept.iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        }

        fn passes(&self, name: &str) -> [bool; 2] {
            [0, 1].map(|tool| self.jar(tool).passes(name.as_bytes()))
        }
    }

    #[test]
    fn names_of_one_tool_pass_to_it_and_of_both_to_both() {
        let ground = Ground::new();
        assert_eq!(ground.passes("sid"), [true, true], "set by a script, or before a restart");
        ground.set(0, "sid=1; Path=/");
        assert_eq!(ground.passes("sid"), [true, false]);
        assert_eq!(ground.passes("SID"), [true, true], "names have cases");
        assert_eq!(ground.passes(""), [true, true]);
        ground.set(1, "sid=2");
        assert_eq!(ground.passes("sid"), [true, true]);
        ground.names.keep(|tool| *tool == ground.tools[1]);
        assert_eq!(ground.passes("sid"), [false, true]);
    }

    #[test]
    fn an_unmarked_cookie_is_not_believed_where_the_tool_sets_marked_ones_only() {
        let ground = Ground::new();
        ground.set(0, "sid=1; HttpOnly");
        assert_eq!(ground.passes("sid"), [false, true]);
        ground.set(0, "sid=1");
        assert_eq!(ground.passes("sid"), [true, false]);
    }

    #[test]
    fn one_spelling_takes_the_other_away() {
        let ground = Ground::new();
        assert_eq!(ground.set(0, "sid=1; HttpOnly"), ["__Http-drawbridge-tool-8444-sid=1; HttpOnly; Secure"]);
        // As most programs delete: without `HttpOnly`.
        let gone = "__Http-drawbridge-tool-8444-sid=; Max-Age=0; Secure; HttpOnly";
        assert_eq!(ground.set(0, "sid=; Max-Age=0"), ["sid=; Max-Age=0", gone]);
        let both = [
            "__Http-drawbridge-tool-8444-sid=; HttpOnly; Max-Age=0; Secure",
            "sid=; Max-Age=0; Secure; HttpOnly",
        ];
        assert_eq!(ground.set(0, "sid=; HttpOnly; Max-Age=0"), both[..1], "a removal is no setting");
        assert_eq!(ground.passes("sid"), [false, true], "so no planted one passes after a sign-out");
        ground.set(0, "sid=2");
        assert_eq!(ground.set(0, "sid=; HttpOnly; Max-Age=0"), both);
        ground.set(1, "other=1");
        assert_eq!(ground.set(0, "other=1; HttpOnly").len(), 1, "a neighbour's stays");
    }

    #[test]
    fn without_tls_cookies_keep_their_names_and_pass_to_their_tool_alone() {
        let ground = Ground::new();
        let (jar, mut kept) = (Jar { scheme: Scheme::Http, ..ground.jar(0) }, Vec::new());
        jar.set(SetCookie::read(&HeaderValue::from_static("sid=1; HttpOnly; Domain=lan")), &mut kept);
        assert_eq!(kept, ["sid=1; HttpOnly"]);
        assert!(jar.passes(b"sid") && !Jar { scheme: Scheme::Http, ..ground.jar(1) }.passes(b"sid"));
        assert_eq!(ground.passes("sid"), [false, false], "under TLS it may be anybody's");
        ground.set(0, "sid=1; HttpOnly");
        assert_eq!(ground.passes("sid"), [false, false]);
    }

    #[test]
    fn names_are_bounded_and_a_tool_with_more_gets_all() {
        let ground = Ground::new();
        let mut last = String::new();
        for number in 0..limits::COOKIE_NAMES {
            last = format!("n{number}");
            ground.set(0, &format!("{last}=1"));
        }
        assert_eq!(ground.passes(&last), [true, false]);
        ground.set(1, "theirs=1");
        assert_eq!(ground.passes("theirs"), [false, true]);
        ground.set(0, "more=1");
        assert_eq!(ground.passes("more"), [true, true], "not remembered");
        assert_eq!(ground.passes("theirs"), [true, true], "so that the tool works");
        assert_eq!(ground.names.book.load().setters.len(), limits::COOKIE_NAMES + 1);
        let longest = "n".repeat(limits::COOKIE_NAME_BYTES);
        ground.set(1, &format!("{longest}=1"));
        ground.set(1, &format!("{longest}n=1"));
        assert_eq!(ground.names.book.load().setters.len(), limits::COOKIE_NAMES + 2, "the longer one is not");
    }
}
