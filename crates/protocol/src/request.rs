//! Everything a shell can ask of the engine.

use crate::{Level, Secret};
use serde::{Deserialize, Serialize};

/// One request on the control path. The reply's shape is named at each variant.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// → [`crate::Status`]
    Status,
    /// → the new [`crate::Tool`]
    ToolAdd(ToolAdd),
    /// Changes a tool; what is `null` stays → the [`crate::Tool`]
    ToolSet(ToolSet),
    /// Gives a tool a secret, which goes with every request to it and to no browser → the [`crate::Tool`]
    SecretSet(SecretSet),
    /// Takes a tool's secret away → the [`crate::Tool`]
    SecretRemove {
        /// Name or id.
        tool: String,
        /// The secret as the tool's `secrets` call it.
        secret: String,
    },
    /// → `null`
    ToolRemove {
        /// Name or id.
        tool: String,
    },
    /// → list of [`crate::Tool`]
    ToolList,
    /// Changes how far a tool is reachable → the [`crate::Tool`] as it is now.
    Level {
        /// Name or id.
        tool: String,
        /// The level wanted.
        level: Level,
        /// Seconds until it closes by itself; only for raising.
        for_seconds: Option<u64>,
    },
    /// Opens a tool to anybody on this network, without a password → the [`crate::Tool`]
    WithoutPassword(WithoutPassword),
    /// Asks for a password again where anybody may come in → the [`crate::Tool`]
    WithPassword {
        /// Name or id.
        tool: String,
    },
    /// Share URL of a tool, or of the gate → [`crate::Url`]
    Url {
        /// Name or id; nothing means the gate.
        tool: Option<String>,
    },
    /// Every tool to `local`, now → list of [`crate::Tool`]
    Close,
    /// → [`crate::UserCreated`]
    UserAdd(UserAdd),
    /// Sets a new password and ends the user's sessions → [`crate::UserCreated`]
    UserPassword {
        /// The user's name.
        name: String,
        /// The new password; nothing means: generate one and return it.
        password: Option<SecretField>,
    },
    /// Adds users with hashes made elsewhere, all of them or none → list of [`crate::User`], those added
    UserImport(UserImport),
    /// How good a password would be → [`crate::PasswordJudgement`]
    PasswordCheck {
        /// The name it is for: a password must not be its name.
        name: String,
        /// The password.
        password: SecretField,
    },
    /// Changes what a user may do; what is `null` stays → the [`crate::User`]
    UserSet(UserSet),
    /// → `null`
    UserRemove {
        /// The user's name.
        name: String,
    },
    /// Makes a link with which somebody makes this account and sets its password → [`crate::InviteCreated`]
    UserInvite(UserInvite),
    /// → list of [`crate::Invite`], the open ones
    UserInvites,
    /// Revokes an open invite → `null`
    UserUninvite {
        /// The invite's id.
        id: String,
    },
    /// Begins to set up an authenticator app; gives nothing before it is confirmed → [`crate::TotpBegun`]
    UserTotpBegin {
        /// The user's name.
        name: String,
    },
    /// The first code of that app: from here on the password alone is not enough. Ends the user's sessions →
    /// [`crate::RecoveryCodes`]
    UserTotpConfirm {
        /// The user's name.
        name: String,
        /// Six digits.
        code: SecretField,
    },
    /// The password alone is enough again, without app, passkeys and recovery codes → the [`crate::User`]
    UserTotpRemove {
        /// The user's name.
        name: String,
    },
    /// → list of [`crate::Passkey`]
    UserPasskeys {
        /// The user's name.
        name: String,
    },
    /// Removes one passkey; what is signed in with the account ends → the [`crate::User`]
    UserPasskeyRemove {
        /// The user's name.
        name: String,
        /// The passkey's id.
        id: String,
    },
    /// Makes new recovery codes for a user with a second factor, which replace the old → [`crate::RecoveryCodes`]
    UserRecoveryCodes {
        /// The user's name.
        name: String,
    },
    /// → list of [`crate::User`]
    UserList,
    /// → list of [`crate::Session`]
    SessionList,
    /// → `null`
    SessionEnd {
        /// The session's id.
        id: String,
    },
    /// → list of [`crate::Approval`], those that wait
    ApprovalList,
    /// Lets somebody in who waits → `null`
    ApprovalAllow {
        /// The approval's id.
        id: String,
        /// Nobody is asked about this device again.
        #[serde(default)]
        always: bool,
    },
    /// Keeps somebody out who waits → `null`
    ApprovalRefuse {
        /// The approval's id.
        id: String,
    },
    /// → list of [`crate::Device`]
    DeviceList,
    /// The owner is asked about this device again → `null`
    DeviceForget {
        /// The device's id.
        id: String,
    },
    /// Makes a token for one device or program → [`crate::TokenCreated`]
    TokenCreate(TokenCreate),
    /// → list of [`crate::Token`]
    TokenList,
    /// → `null`
    TokenRevoke {
        /// The token's id.
        id: String,
    },
    /// Makes a link with which a guest uses one tool → [`crate::PassCreated`]
    PassCreate(PassCreate),
    /// → list of [`crate::Pass`], the open ones
    PassList,
    /// → `null`
    PassRevoke {
        /// The pass's id.
        id: String,
    },
    /// → list of [`crate::Certificate`]
    CertificateList,
    /// Takes the owner's own certificate for the internet level → the [`crate::Certificate`]
    CertificateImport {
        /// PEM text: leaf first, then intermediates.
        chain_pem: String,
        /// PEM text of the private key.
        key_pem: SecretField,
    },
    /// Forgets the imported certificate and closes the internet doors it was shown at → list of [`crate::Certificate`]
    CertificateRemove,
    /// Makes a fresh local leaf now and swaps it live → list of [`crate::Certificate`]
    CertificateRenew,
    /// The local authority's certificate → the [`crate::Certificate`] with its PEM
    CertificateExportCa,
    /// → the value as text, or every key with its value
    SettingsGet {
        /// Nothing means all.
        key: Option<String>,
    },
    /// → the value as text
    SettingsSet {
        /// One of the keys `SettingsGet` lists.
        key: String,
        /// The value as text; empty means back to the default.
        value: String,
    },
    /// Makes a new recovery code, which replaces the old → the code as text, shown once
    RecoveryCreate,
    /// Opens sealed data with the recovery code and stores a new root key in the keyring → `null`
    RecoveryUse {
        /// The code as it was shown.
        code: SecretField,
    },
    /// Asks the keyring again → `null`
    Unlock,
}

impl Request {
    /// Whether carrying it out may change something.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        !matches!(
            self,
            Self::Status
                | Self::ToolList
                | Self::Url { .. }
                | Self::UserList
                | Self::UserInvites
                | Self::UserPasskeys { .. }
                | Self::PasswordCheck { .. }
                | Self::SessionList
                | Self::ApprovalList
                | Self::DeviceList
                | Self::TokenList
                | Self::PassList
                | Self::CertificateList
                | Self::CertificateExportCa
                | Self::SettingsGet { .. }
        )
    }
}

/// A secret inside a request: the one place where it is serialised.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SecretField(#[serde(serialize_with = "Secret::serialize_exposed")] pub Secret);

impl From<Secret> for SecretField {
    fn from(secret: Secret) -> Self {
        Self(secret)
    }
}

/// A tool to be added.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ToolAdd {
    /// The name people see.
    pub name: String,
    /// `http://127.0.0.1:8888`, or just a port.
    pub target: String,
    /// Whether an address outside this computer is meant.
    #[serde(default)]
    pub network_target: NetworkTarget,
}

/// Changes to a tool.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ToolSet {
    /// Name or id of the tool meant.
    pub tool: String,
    /// A new name; the id stays.
    pub name: Option<String>,
    /// A new target; only while the tool is local.
    pub target: Option<String>,
    /// Whether an address outside this computer is meant.
    #[serde(default)]
    pub network_target: NetworkTarget,
    /// A new port of its LAN door.
    pub lan_port: Option<u16>,
    /// A new port of its internet door, where there is no domain.
    pub internet_port: Option<u16>,
    /// Name of the header field in which it is told who signed in; empty for none.
    #[serde(default)]
    pub identity_header: Option<String>,
    /// Every origin of other websites whose pages may use it with a name and password.
    #[serde(default)]
    pub allowed_origins: Option<Vec<String>>,
    /// Whether its door on the local network answers without TLS too.
    #[serde(default)]
    pub plain_http: Option<bool>,
}

/// A tool to be opened to anybody on this network.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WithoutPassword {
    /// Name or id.
    pub tool: String,
    /// Who else is in this network, as the owner says.
    pub network: Surroundings,
    /// Seconds until a password is asked for again; nothing means two hours.
    #[serde(default)]
    pub for_seconds: Option<u64>,
}

/// Who else is in a network.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surroundings {
    /// The owner's home: nobody but people the owner knows.
    Home,
    /// Strangers too: an office, a dormitory, a café.
    Shared,
}

/// A secret for a tool.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SecretSet {
    /// Name or id of the tool.
    pub tool: String,
    /// Where the tool looks for it.
    pub place: SecretPlace,
    /// The secret.
    pub value: SecretField,
}

/// Where a tool looks for a secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SecretPlace {
    /// The whole value of a header field.
    Header {
        /// The field's name.
        name: String,
    },
    /// The password of HTTP Basic.
    Basic {
        /// The user name.
        user: String,
    },
    /// A Bearer token.
    Bearer,
    /// A parameter of the query.
    Query {
        /// The parameter's name.
        name: String,
    },
    /// `token:` of aria2's own calls, in JSON and XML, however they are sent.
    Aria2,
}

/// Whether a tool may live on another machine.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkTarget {
    /// Only loopback addresses (the default).
    #[default]
    Refused,
    /// The owner said that another machine is meant.
    Allowed,
}

/// A user to be added.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UserAdd {
    /// The name to sign in with.
    pub name: String,
    /// May administer.
    #[serde(default)]
    pub admin: bool,
    /// Which tools.
    #[serde(default)]
    pub reach: Reach,
    /// The password; nothing means: generate one and return it.
    pub password: Option<SecretField>,
}

/// Users to be added with hashes made elsewhere.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UserImport {
    /// Lines of `NAME:HASH`, as in an htpasswd file.
    pub lines: SecretField,
    /// Which tools, for all of them.
    #[serde(default)]
    pub reach: Reach,
}

/// An account somebody shall make for themselves.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct UserInvite {
    /// The name to sign in with.
    pub name: String,
    /// May administer.
    #[serde(default)]
    pub admin: bool,
    /// Which tools.
    #[serde(default)]
    pub reach: Reach,
    /// Seconds for which the link is good; nothing means a day.
    #[serde(default)]
    pub for_seconds: Option<u64>,
}

/// Changes to what a user may do.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct UserSet {
    /// The user's name.
    pub name: String,
    /// New admin flag, if it changes.
    pub admin: Option<bool>,
    /// New reach, if it changes.
    pub reach: Option<Reach>,
    /// Whether nobody gets in with it, if that changes.
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// A token to be made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TokenCreate {
    /// The user's name.
    pub user: String,
    /// What it is for, in the owner's words; may be empty.
    #[serde(default)]
    pub name: String,
    /// Name or id of the one tool it opens; nothing means every tool of the user.
    #[serde(default)]
    pub tool: Option<String>,
    /// Seconds until it ends by itself; nothing means never.
    #[serde(default)]
    pub expires_seconds: Option<u64>,
}

/// A pass to be made.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct PassCreate {
    /// Name or id of the tool it opens.
    pub tool: String,
    /// Whom it is for; may be empty.
    #[serde(default)]
    pub label: String,
    /// Seconds for which it is good; nothing means four hours.
    #[serde(default)]
    pub for_seconds: Option<u64>,
    /// Whether its guest may only look.
    #[serde(default)]
    pub read_only: bool,
}

/// Which tools a user may reach.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Every tool, also those added later.
    #[default]
    All,
    /// Only these, by name or id.
    Only(Vec<String>),
}
