//! Questions to the owner: one of an account at a time, answered once, and with pauses where they are not welcome.

use super::{Answer, Asked, By, Question, Shown, Standing};
use crate::{
    clock::Timestamp,
    identity::{UserId, session, session::digest, user::User},
    random::{self, NoRandomness},
};
use drawbridge_protocol::Secret;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// Everything that was asked lately.
#[derive(Default)]
pub(super) struct Questions {
    /// One of an account, so that nobody floods the owner until one is let in by mistake.
    open: HashMap<UserId, Open>,
    /// Those the owner said something to that was not used yet, or was a moment ago.
    answered: Vec<Answered>,
    /// Accounts about which nobody is asked for a while.
    quiet: HashMap<UserId, Quiet>,
    programs: Vec<Program>,
}

struct Open {
    question: Question,
    until: Instant,
}

struct Answered {
    question: Question,
    /// Nothing means no.
    yes: Option<Answer>,
    claimed: bool,
    until: Instant,
}

struct Quiet {
    user: Arc<User>,
    until: Instant,
    /// Questions in a row that nobody answered.
    unanswered: u32,
}

/// A program that sends name and password, let in from one network for a while.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) id: String,
    pub(crate) user: Arc<User>,
    pub(crate) network: IpAddr,
    pub(crate) agent: String,
    pub(crate) since: Timestamp,
    pub(crate) expires: Timestamp,
    until: Instant,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BadAllow {
    /// Nobody waits with this id.
    Unknown,
    /// A program without a device cannot be known for good.
    Program,
}

impl Questions {
    pub(super) fn ask(
        &mut self,
        user: &Arc<User>,
        (address, agent): (IpAddr, &str),
        shown: &Shown<'_>,
        now: Timestamp,
    ) -> Result<Asked, NoRandomness> {
        self.tidy();
        let own = By::of(shown);
        if let Some(answered) = self.answered.iter_mut().find(|it| Some(it.question.by) == own)
            && answered.question.user.id == user.id
            && let Some(answer) = answered.yes
        {
            let first = !std::mem::replace(&mut answered.claimed, true);
            return Ok(if first { Asked::Allowed(answer) } else { Asked::Claimed });
        }
        if let Some(open) = self.open.get(&user.id) {
            return Ok(match (own == Some(open.question.by), *shown, open.question.number) {
                (false, ..) => Asked::Later(open.left()),
                (true, Shown::Page(tokens) | Shown::Call(tokens), Some(number)) => {
                    let token = Secret::new(tokens.question.unwrap_or_default().to_owned());
                    Asked::Waits { token, number, left: open.left() }
                }
                (true, ..) => Asked::ProgramWaits,
            });
        }
        if let Some(left) = self.quiet.get(&user.id).and_then(Quiet::left) {
            return Ok(Asked::Later(left));
        }
        if self.open.len() >= MOST {
            return Ok(Asked::Busy);
        }
        let token = Secret::new(random::token()?);
        // Never a token that came from outside: somebody else may know it.
        let (by, number) = match shown {
            Shown::Network(network) => (By::Network(*network), None),
            Shown::Call(_) => (By::Call(digest(token.expose())), Some(number()?)),
            Shown::Page(_) | Shown::SignedIn => (By::Page(digest(token.expose())), Some(number()?)),
        };
        let (id, user, agent) = (session::name()?, Arc::clone(user), session::told(agent));
        let (since, expires) = (now, now.plus(WAITING));
        let question = Question { id, user, number, address, agent, since, expires, by };
        self.open.insert(question.user.id, Open { question, until: Instant::now() + WAITING });
        Ok(number.map_or(Asked::ProgramWaits, |number| Asked::Waits { token, number, left: WAITING }))
    }

    pub(super) fn standing(&mut self, by: By) -> Option<Standing> {
        self.tidy();
        if let Some(open) = self.open.values().find(|open| open.question.by == by) {
            return open.question.number.map(Standing::Waits);
        }
        let answered = self.answered.iter().find(|it| it.question.by == by)?;
        Some(match (answered.yes, answered.claimed) {
            (None, _) => Standing::Refused,
            (Some(_), false) => Standing::Allowed,
            (Some(_), true) => Standing::Claimed,
        })
    }

    pub(super) fn claim(&mut self, by: By) -> Option<(Arc<User>, Answer)> {
        self.tidy();
        let answered = self.answered.iter_mut().find(|it| it.question.by == by && !it.claimed)?;
        let answer = answered.yes?;
        answered.claimed = true;
        Some((Arc::clone(&answered.question.user), answer))
    }

    pub(super) fn settle(&mut self, by: By, is_in: bool) {
        if let Some(answered) = self.answered.iter_mut().find(|it| it.question.by == by && it.claimed) {
            answered.claimed = is_in;
            if is_in {
                answered.until = Instant::now() + CLAIMED;
            }
        }
    }

    pub(super) fn end(&mut self, by: By) {
        self.open.retain(|_, open| open.question.by != by);
        self.answered.retain(|answered| answered.question.by != by);
    }

    pub(super) fn list(&mut self) -> Vec<Question> {
        self.tidy();
        let mut list: Vec<Question> = self.open.values().map(|open| open.question.clone()).collect();
        list.sort_by(|one, other| (one.since, &one.id).cmp(&(other.since, &other.id)));
        list
    }

    pub(super) fn next_ends(&self) -> Option<Duration> {
        self.open.values().map(|open| open.left() + MOMENT).min()
    }

    pub(super) fn allow(&mut self, id: &str, answer: Answer, now: Timestamp) -> Result<(), BadAllow> {
        self.tidy();
        let open = self.open.values().find(|open| open.question.id == id).ok_or(BadAllow::Unknown)?;
        let user = open.question.user.id;
        if matches!(open.question.by, By::Network(_)) && answer == Answer::Always {
            return Err(BadAllow::Program);
        }
        let Some(Open { question, .. }) = self.open.remove(&user) else { return Err(BadAllow::Unknown) };
        self.quiet.remove(&user);
        if let By::Network(network) = question.by {
            let Question { id, user, agent, .. } = question;
            let (since, expires, until) = (now, now.plus(PROGRAM), Instant::now() + PROGRAM);
            self.programs.push(Program { id, user, network, agent, since, expires, until });
        } else {
            let (yes, until) = (Some(answer), Instant::now() + WAITING);
            self.answered.push(Answered { question, yes, claimed: false, until });
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, id: &str) -> bool {
        self.tidy();
        let user = self.open.values().find(|open| open.question.id == id).map(|open| open.question.user.id);
        let question = match user.and_then(|user| self.open.remove(&user)) {
            Some(open) => open.question,
            // A yes nobody used yet is taken back.
            None => {
                let unused = |it: &Answered| it.question.id == id && it.yes.is_some() && !it.claimed;
                let Some(place) = self.answered.iter().position(unused) else { return false };
                self.answered.swap_remove(place).question
            }
        };
        let (user, until) = (Arc::clone(&question.user), Instant::now() + REFUSED);
        self.quiet.insert(user.id, Quiet { user, until, unanswered: 0 });
        let until = Instant::now() + WAITING;
        self.answered.push(Answered { question, yes: None, claimed: false, until });
        true
    }

    /// Whether the account was asked about and not let in.
    pub(super) fn is_about(&mut self, user: UserId) -> bool {
        self.tidy();
        self.open.contains_key(&user) || self.quiet.get(&user).is_some_and(|quiet| quiet.left().is_some())
    }

    pub(super) fn is_allowed(&self, user: &User, network: IpAddr, now: Timestamp) -> bool {
        self.programs.iter().any(|it| it.user.id == user.id && it.network == network && it.is_good(now))
    }

    pub(super) fn programs(&mut self, now: Timestamp) -> Vec<Program> {
        self.programs.retain(|program| program.is_good(now));
        self.programs.clone()
    }

    pub(super) fn forget_program(&mut self, id: &str) -> bool {
        let before = self.programs.len();
        self.programs.retain(|program| program.id != id);
        self.programs.len() < before
    }

    /// Forgets what is over; a question nobody answered makes the next one of its account wait.
    fn tidy(&mut self) {
        let now = Instant::now();
        self.open.retain(|_, open| !open.question.user.withdrawn.is_cancelled());
        self.answered.retain(|it| it.until > now && !it.question.user.withdrawn.is_cancelled());
        self.quiet.retain(|_, it| it.until + FORGOTTEN > now && !it.user.withdrawn.is_cancelled());
        let over: Vec<UserId> =
            self.open.iter().filter(|(_, open)| open.until <= now).map(|(user, _)| *user).collect();
        for id in over {
            let Some(Open { question, until }) = self.open.remove(&id) else { continue };
            let unanswered = self.quiet.get(&id).map_or(0, |quiet| quiet.unanswered) + 1;
            let until = until + pause(unanswered);
            self.quiet.insert(id, Quiet { user: question.user, until, unanswered });
        }
    }
}

impl Open {
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

impl Quiet {
    fn left(&self) -> Option<Duration> {
        Some(self.until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }
}

impl Program {
    /// Two clocks: one does not run while the computer sleeps, the other can be set back.
    fn is_good(&self, now: Timestamp) -> bool {
        self.until > Instant::now()
            && now < self.expires
            && now.plus(session::CLOCK_SLACK) >= self.since
            && !self.user.withdrawn.is_cancelled()
    }
}

/// How long the next question waits after so many in a row that nobody answered.
fn pause(unanswered: u32) -> Duration {
    if unanswered < 2 { Duration::ZERO } else { WAITING * 2_u32.pow(unanswered.min(6) - 1) }
}

/// Two digits, both of which are read out.
fn number() -> Result<u8, NoRandomness> {
    Ok(u8::try_from(random::below(90)? + 10).unwrap_or(10))
}

/// How long somebody waits for the owner, and after a yes for the device (chosen: a walk to the desk).
pub(crate) const WAITING: Duration = Duration::from_secs(300);
/// How long nobody is asked for an account after a no (chosen: nobody says yes just to have peace).
const REFUSED: Duration = Duration::from_secs(600);
/// How long questions in a row that nobody answered are remembered after their pause.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);
/// How long a claimed yes is told from none, for the second of two clicks.
const CLAIMED: Duration = Duration::from_secs(30);
/// How long a program that sends name and password is let in from one network (chosen: a day's work; a token is better).
const PROGRAM: Duration = Duration::from_secs(12 * 3600);
/// Accounts that wait at once.
const MOST: usize = 64;
/// So that whoever stops waiting has stopped when the list is looked at.
const MOMENT: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    /// The open question is over.
    fn lapse(questions: &mut Questions) {
        for open in questions.open.values_mut() {
            open.until = Instant::now();
        }
    }

    #[test]
    fn questions_nobody_answers_come_ever_more_seldom() {
        assert_eq!([1, 2, 3, 6, 60].map(|count| pause(count).as_secs() / 60), [0, 10, 20, 160, 160]);
        let (mut questions, user) = (Questions::default(), Arc::new(User::anna()));
        let ask = |questions: &mut Questions| {
            questions.ask(&user, (HERE, ""), &Shown::Network(HERE), Timestamp(1)).unwrap()
        };
        assert!(matches!(ask(&mut questions), Asked::ProgramWaits));
        lapse(&mut questions);
        assert!(matches!(ask(&mut questions), Asked::ProgramWaits), "once more at once");
        lapse(&mut questions);
        let Asked::Later(left) = ask(&mut questions) else { panic!("a pause") };
        assert!(left > Duration::from_secs(9 * 60) && questions.is_about(user.id));
        user.withdrawn.cancel();
        assert!(matches!(ask(&mut questions), Asked::ProgramWaits), "a new password begins anew");
    }

    #[test]
    fn a_program_is_out_when_either_clock_says_so() {
        let user = Arc::new(User::anna());
        let program = |until: Instant| Program {
            id: String::new(),
            user: Arc::clone(&user),
            network: HERE,
            agent: String::new(),
            since: Timestamp(1000),
            expires: Timestamp(1000).plus(PROGRAM),
            until,
        };
        let good = program(Instant::now() + PROGRAM);
        assert!(good.is_good(Timestamp(1000)));
        assert!(!good.is_good(Timestamp(1000).plus(PROGRAM)), "slept through");
        assert!(!good.is_good(Timestamp(600)), "set back");
        assert!(!program(Instant::now()).is_good(Timestamp(1000)));
    }
}
