//! The models inside replies and events. Their JSON is what `--json` prints, so changes here are changes to a
//! documented contract (`docs/cli.md`).

use crate::{Secret, SecretField};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a tool is reachable, in ascending order of exposure.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// This computer only.
    #[default]
    Local,
    /// The local network, with password.
    Lan,
    /// The internet, with HTTPS.
    Internet,
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Local => "local",
            Self::Lan => "lan",
            Self::Internet => "internet",
        })
    }
}

/// A tool as it is now.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tool {
    /// Short and stable; used in the settings file.
    pub id: String,
    /// The name people see.
    pub name: String,
    /// Where the tool listens.
    pub target: String,
    /// SHA-256 of the one certificate taken from a tool that speaks HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Name of the header field in which the tool is told who signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_header: Option<String>,
    /// Origins of other websites whose pages may use the tool with a name and password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// What is in force.
    pub level: Level,
    /// What the owner or the settings file asks for.
    pub wanted: Level,
    /// One entry per listening address.
    pub doors: Vec<Door>,
    /// When it closes by itself: seconds since 1970, or nothing.
    pub until: Option<u64>,
    /// Names of the secrets handed to the tool; never their values.
    pub secrets: Vec<String>,
    /// Until when anybody on this network may use it without a password: seconds since 1970; left out where nobody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anybody_until: Option<u64>,
    /// Whether it is answered without TLS too, while it is open on the local network and no farther; left out where that is
    /// not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_http: Option<PlainHttp>,
}

/// Whether a tool may do without TLS on the local network.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PlainHttp {
    /// The owner allowed it.
    On,
    /// The settings ask for it, and the owner never allowed it here; it is off.
    Waits,
}

/// One listening address of one tool at one level.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Door {
    /// `lan` or `internet`.
    pub level: Level,
    /// The address to hand to someone.
    pub url: String,
    /// Whether it is true.
    pub state: DoorState,
    /// Why it is not open, or what is special about it.
    pub cause: Option<String>,
}

/// Whether a door is what the owner asked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DoorState {
    /// Listening.
    Open,
    /// Wanted, but not listening; the cause says why.
    Failed,
}

/// One word for everything: the tray's icon.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Headline {
    /// Nothing is reachable from elsewhere.
    Closed,
    /// Something is reachable on the local network.
    Lan,
    /// Something is reachable from the internet.
    Internet,
    /// Something the owner asked for is not true.
    Trouble,
}

/// Everything at a glance.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// One word.
    pub headline: Headline,
    /// Addresses of the gate, where people sign in.
    pub gate: Vec<String>,
    /// Every tool.
    pub tools: Vec<Tool>,
    /// Who is in.
    pub visitors: Vec<Visitor>,
    /// What is wrong, why, and what to do.
    pub problems: Vec<Trouble>,
    /// Counts changes since the engine started; named in `If-Match`, a request that rests on older knowledge is refused.
    pub revision: u64,
}

/// Someone who used a tool in the last minutes or holds a tunnel open.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Visitor {
    /// The user's name.
    pub user: String,
    /// The tool's name.
    pub tool: String,
    /// Where from.
    pub address: String,
    /// Seconds since 1970.
    pub since: u64,
}

/// Something the owner should know: for a terminal `what`, `why` and `do`; for a window `what`, `reason` and `advice`,
/// which name no command.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    #[serde(rename = "do")]
    pub remedy: String,
    /// Why, for a window.
    pub reason: String,
    /// What to do, for a window.
    pub advice: String,
    /// What one click could do about it.
    pub fix: Option<Fix>,
}

/// What one click could do about a trouble.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "fix", rename_all = "kebab-case")]
pub enum Fix {
    /// Ask the keyring again.
    Unlock,
    /// Bring a tool to a level.
    Open {
        /// Its id.
        tool: String,
        /// The level it shall have.
        level: Level,
    },
    /// Make a recovery code.
    CreateRecoveryCode,
    /// Ask for a certificate and its key, and import them.
    ImportCertificate,
    /// Ask for a password again where anybody may come in.
    AskPassword {
        /// Its id.
        tool: String,
    },
    /// Show a tool with what can be changed about it.
    ShowTool {
        /// Its id.
        tool: String,
    },
}

/// An account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct User {
    /// The name to sign in with.
    pub name: String,
    /// May administer.
    pub admin: bool,
    /// Nobody gets in with it until the owner says otherwise; left out where it is not so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// Tool names, or nothing for all.
    pub tools: Option<Vec<String>>,
    /// What this user can prove: `password`, `totp` where there is an authenticator app, `passkey` where there are some.
    pub factors: Vec<String>,
    /// Whether that is enough for the internet.
    pub strong: bool,
    /// Whether the password was imported and never seen yet, so that nobody knows whether it is enough.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unproven: bool,
    /// Seconds since 1970 of the last sign-in or use.
    pub last_seen: Option<u64>,
    /// How many recovery codes are left; only for an account with a second factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes: Option<u32>,
    /// Oldest first; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passkeys: Vec<Passkey>,
}

/// A passkey of an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Passkey {
    /// To remove it with.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The name of the gate it works at.
    pub host: String,
    /// Whether it signs in without a password too: it makes sure who holds it.
    pub alone: bool,
    /// Seconds since 1970.
    pub created: u64,
    /// Seconds since 1970 of the last sign-in with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<u64>,
}

/// What an authenticator app is told, shown once. It gives nothing before a code of that app confirmed it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TotpBegun {
    /// `otpauth://totp/…`, for a QR code.
    pub uri: SecretField,
    /// The seed in base 32, to be typed.
    pub seed: SecretField,
    /// Seconds since 1970: until when it can be confirmed.
    pub expires: u64,
}

/// Recovery codes just made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct RecoveryCodes {
    /// The account.
    pub user: User,
    /// Each is good once; shown once.
    pub codes: Vec<SecretField>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// An account just made, or a password just set.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UserCreated {
    /// The account.
    pub user: User,
    /// The generated passphrase, shown once; nothing where the caller gave one.
    #[serde(serialize_with = "Secret::serialize_exposed_option")]
    pub password: Option<Secret>,
}

/// How good a password would be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PasswordJudgement {
    /// How hard it is to guess, from 0 (among the first guesses) to 4 (beyond guessing).
    pub score: u8,
    /// Whether it may be used at all, which is enough for the local network.
    pub lan: bool,
    /// Whether it is enough for the internet.
    pub internet: bool,
    /// Why it may not be used, as setting it would be refused.
    pub refusal: Option<Problem>,
}

/// A sign-in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    /// To end it with.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// What signed in.
    pub kind: SessionKind,
    /// At which level's gate.
    pub level: Level,
    /// Where from.
    pub address: String,
    /// What the browser or program calls itself.
    pub agent: String,
    /// Names of the tools entered with it.
    pub tools: Vec<String>,
    /// Seconds since 1970.
    pub since: u64,
    /// Seconds since 1970.
    pub last_seen: u64,
    /// Seconds since 1970.
    pub expires: u64,
}

/// What signed in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// A browser, at the gate.
    Browser,
    /// A browser without TLS, for one tool.
    Plain,
    /// A program, at the gate's API.
    Program,
}

/// Somebody who gave a right password from the internet on a device nobody knows, and waits for the owner.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Approval {
    /// To answer it with.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// What the device shows, from 10 to 99; nothing where a program asks, which shows nothing.
    pub number: Option<u8>,
    /// Where from.
    pub address: String,
    /// What the browser or program calls itself.
    pub agent: String,
    /// Seconds since 1970.
    pub since: u64,
    /// Seconds since 1970.
    pub expires: u64,
}

/// A device on which a user need not wait for the owner any more, or a program that need not for a while.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Device {
    /// To forget it with.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// What the browser or program called itself.
    pub agent: String,
    /// Seconds since 1970.
    pub created: u64,
    /// Seconds since 1970; nothing for a program.
    pub last_seen: Option<u64>,
    /// From where a program is let in: an address, or the first of an IPv6 /64.
    pub network: Option<String>,
    /// Seconds since 1970 when a program has to ask again.
    pub expires: Option<u64>,
}

/// A password for one device or program, without its text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Token {
    /// To revoke it with.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// What it is for, in the owner's words.
    pub name: String,
    /// Name of the one tool it opens, or nothing for every tool of its user.
    pub tool: Option<String>,
    /// Seconds since 1970.
    pub created: u64,
    /// Seconds since 1970, or nothing.
    pub expires: Option<u64>,
    /// Seconds since 1970 of the last use, or nothing.
    pub last_seen: Option<u64>,
}

/// A token just made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TokenCreated {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// Its text, shown once.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub secret: Secret,
}

/// An account that somebody may make for themselves, without the code of its link.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Invite {
    /// To revoke it with.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// May administer.
    pub admin: bool,
    /// Tool names, or nothing for all.
    pub tools: Option<Vec<String>>,
    /// Seconds since 1970.
    pub created: u64,
    /// Seconds since 1970.
    pub expires: u64,
}

/// An invite just made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct InviteCreated {
    /// The invite.
    #[serde(flatten)]
    pub invite: Invite,
    /// Its link, shown once: whoever opens it chooses the account's password.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub url: Secret,
}

/// A link with which a guest uses one tool on one device, without its code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Pass {
    /// To revoke it with.
    pub id: String,
    /// The tool's name.
    pub tool: String,
    /// Whom it is for, in its maker's words; may be empty.
    pub label: String,
    /// Name of the user who made it, or nothing for the owner.
    pub maker: Option<String>,
    /// Whether its guest may only look.
    pub read_only: bool,
    /// Seconds since 1970.
    pub created: u64,
    /// Seconds since 1970.
    pub expires: u64,
    /// Where it was opened, or nothing while it waits.
    pub device: Option<PassDevice>,
}

/// The device that opened a pass.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PassDevice {
    /// How far away it was.
    pub level: Level,
    /// Where it was when it opened the pass.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// Seconds since 1970.
    pub since: u64,
    /// Seconds since 1970.
    pub last_seen: u64,
}

/// A pass just made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PassCreated {
    /// The pass.
    #[serde(flatten)]
    pub pass: Pass,
    /// Its link, shown once: it works on the first device that opens it.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub url: Secret,
}

/// A certificate in use, or the local authority.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Certificate {
    /// What it is for.
    pub kind: CertificateKind,
    /// Host names and addresses it covers.
    pub names: Vec<String>,
    /// SHA-256 of the certificate, as `AA:BB:…`.
    pub fingerprint: String,
    /// Seconds since 1970.
    pub not_after: u64,
    /// The certificate itself; only for the authority.
    pub pem: Option<String>,
}

/// Where a certificate comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// The local authority of this installation.
    Authority,
    /// Issued by the local authority for the local network.
    Lan,
    /// The owner's own.
    Imported,
    /// Made here; browsers will not trust it.
    SelfSigned,
}

/// A share URL.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Url {
    /// The address to hand to someone.
    pub url: String,
    /// More addresses of the same tool or gate.
    pub others: Vec<String>,
    /// Until when anybody on this network may use the tool without a password; left out where nobody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anybody_until: Option<u64>,
}

/// Why a request was refused: a problem document (RFC 9457).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Problem {
    /// A stable word.
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    /// What is wrong and what to do, for a terminal: no capital letter, no full stop, commands by name.
    pub detail: String,
    /// The same for a window: a whole sentence without commands.
    pub message: String,
}

/// The kinds of refusal on the control path.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// The request makes no sense.
    Invalid,
    /// No such tool, user or session.
    Unknown,
    /// Would clash with what is there.
    Conflict,
    /// There is no local network to open a door on.
    NoNetwork,
    /// A rule forbids it.
    Refused,
    /// Something outside failed: disk, port, keyring.
    Failed,
    /// Too much at once.
    Busy,
}
