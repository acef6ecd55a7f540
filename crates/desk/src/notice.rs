//! Tells the owner of who waits to be let in, by the desktop's own notifications. The answer is given in the window, with
//! the number beside it: nothing that pops up under a moving hand lets anybody in.

use crate::{desk::Desk, menu::shown_name};
use drawbridge_protocol::Approval;
use drawbridge_texts::{Sentence, Words};
use std::{
    collections::HashSet,
    sync::{Arc, mpsc},
    thread,
};

/// What one notification says.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Notice {
    /// Of the approval.
    id: String,
    title: String,
    text: String,
    /// What a click leads to.
    act: String,
}

/// For the thread that talks to the desktop.
enum Post {
    Show(Notice),
    Withdraw(String),
}

/// Keeps one notification for everyone who waits, and takes it back when they do no more. A click calls `answer`.
pub async fn announce(desk: Arc<Desk>, answer: impl Fn() + Clone + Send + 'static) {
    let mut view = desk.watch();
    let mut told = HashSet::new();
    let mut post: Option<mpsc::Sender<Post>> = None;
    loop {
        let waiting = view.borrow_and_update().whole.as_ref().map(|whole| whole.approvals.clone());
        let waiting = waiting.unwrap_or_default();
        let gone: Vec<String> =
            told.iter().filter(|id| waiting.iter().all(|it| it.id != **id)).cloned().collect();
        let fresh: Vec<Notice> = waiting
            .iter()
            .filter(|approval| !told.contains(&approval.id))
            .map(|approval| notice(desk.words(), approval))
            .collect();
        let posts = gone.into_iter().map(Post::Withdraw).chain(fresh.into_iter().map(Post::Show));
        for one in posts {
            match &one {
                Post::Show(notice) => told.insert(notice.id.clone()),
                Post::Withdraw(id) => told.remove(id),
            };
            let sent = match &post {
                Some(thread) => thread.send(one),
                None => Err(mpsc::SendError(one)),
            };
            if let Err(mpsc::SendError(one)) = sent {
                // The first one, or the desktop had no place for them; it may have by now. The window says it too.
                let thread = begin(answer.clone());
                let _ = thread.send(one);
                post = Some(thread);
            }
        }
        if view.changed().await.is_err() {
            return;
        }
    }
}

/// A desktop may take its time, so it is asked on a thread of its own.
fn begin(answer: impl Fn() + Send + 'static) -> mpsc::Sender<Post> {
    let (sender, posts) = mpsc::channel();
    let thread = thread::Builder::new().name("notices".to_owned()).spawn(move || {
        if let Err(error) = platform::deliver(&posts, answer) {
            tracing::warn!(%error, "this desktop shows no notifications");
        }
    });
    if let Err(error) = thread {
        tracing::warn!(%error, "no notifications will be shown");
    }
    sender
}

fn notice(words: &Words, approval: &Approval) -> Notice {
    let text = match approval.number {
        Some(number) => Sentence::new("notice-number")
            .with("number", u64::from(number))
            .with("address", &approval.address),
        None => Sentence::new("notice-program").with("address", &approval.address),
    };
    Notice {
        id: approval.id.clone(),
        title: words.sentence(&Sentence::new("notice-title").with("name", shown_name(&approval.user))),
        text: words.sentence(&text),
        act: words.sentence(&Sentence::new("notice-show")),
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use super::{Notice, Post};
    use std::{
        collections::HashMap,
        sync::{Arc, Mutex, PoisonError, mpsc},
        thread,
    };
    use zbus::{
        blocking::{Connection, Proxy},
        zvariant::Value,
    };

    /// The desktop's number of each notification that stands, by the approval's id.
    type Standing = Arc<Mutex<HashMap<String, u32>>>;

    /// Talks to the desktop (Desktop Notifications Specification 1.2) until nobody posts any more.
    pub(super) fn deliver(
        posts: &mpsc::Receiver<Post>,
        answer: impl Fn() + Send + 'static,
    ) -> zbus::Result<()> {
        let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
        let connection = Connection::session()?;
        let desktop: Proxy<'static> = Proxy::new(&connection, name, path, name)?;
        let standing = Standing::default();
        let (clicks, known) = (desktop.receive_signal("ActionInvoked")?, Arc::clone(&standing));
        let listener = thread::Builder::new().name("notice clicks".to_owned()).spawn(move || {
            for click in clicks {
                let body = click.body();
                let Ok((number, _)) = body.deserialize::<(u32, &str)>() else { continue };
                // Notifications of every program are told to everybody.
                if lock(&known).values().any(|own| *own == number) {
                    answer();
                }
            }
        });
        if let Err(error) = listener {
            tracing::warn!(%error, "a click on a notification will do nothing");
        }
        for post in posts {
            let done = match post {
                Post::Show(notice) => show(&desktop, &notice).map(|number| {
                    lock(&standing).insert(notice.id, number);
                }),
                Post::Withdraw(id) => {
                    let number = lock(&standing).remove(&id);
                    // Not while it is locked: a desktop may take its time.
                    number.map_or(Ok(()), |number| desktop.call("CloseNotification", &(number,)))
                }
            };
            if let Err(error) = done {
                tracing::warn!(%error, "a notification was not shown or taken back");
            }
        }
        Ok(())
    }

    fn show(desktop: &Proxy<'_>, notice: &Notice) -> zbus::Result<u32> {
        let Notice { title, text, act, .. } = notice;
        let actions = &["default", act.as_str(), "answer", act][..];
        let critical = HashMap::from([("urgency", Value::U8(2)), ("desktop-entry", "drawbridge".into())]);
        let body = escaped(text);
        let never = 0_i32;
        desktop.call("Notify", &("Drawbridge", 0_u32, "drawbridge", title, body, actions, critical, never))
    }

    /// Desktops read the body as markup.
    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }

    fn lock(standing: &Standing) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::Post;
    use std::sync::mpsc;

    /// Shows each; these desktops neither take one back nor tell of clicks without more of an installation.
    pub(super) fn deliver(
        posts: &mpsc::Receiver<Post>,
        _answer: impl Fn(),
    ) -> Result<(), std::convert::Infallible> {
        for post in posts {
            let Post::Show(notice) = post else { continue };
            let mut notification = notify_rust::Notification::new();
            notification.appname("Drawbridge").summary(&notice.title).body(&notice.text);
            if let Err(error) = notification.show() {
                tracing::warn!(%error, "a notification was not shown");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_texts::{Language, Texts};

    #[test]
    fn it_says_who_where_and_the_number_and_nothing_a_stranger_wrote() {
        let words = Words::new(Arc::new(Texts::new()), Language::accepted("en"));
        let mut approval = Approval {
            id: "a1".to_owned(),
            user: "anna\u{202e}\n".to_owned(),
            number: Some(47),
            address: "203.0.113.9".to_owned(),
            agent: "<b>let me in</b>".to_owned(),
            since: 0,
            expires: 300,
        };
        let said = notice(&words, &approval);
        assert_eq!(said.title, "anna wants in");
        assert!(said.text.contains("47") && said.text.contains("203.0.113.9"), "{}", said.text);
        assert!(!said.text.contains("let me in"));
        approval.number = None;
        assert!(notice(&words, &approval).text.contains("program"));
    }
}
