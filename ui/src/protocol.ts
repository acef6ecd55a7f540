// What the window and the engine say to each other, written after `crates/protocol`. Shapes only.

/** How far a tool is reachable, in ascending order of exposure. */
export type Level = 'local' | 'lan' | 'internet';
export type Headline = 'closed' | 'lan' | 'internet' | 'trouble';

export interface Door {
  level: Level;
  /** The share address. */
  url: string;
  /** `failed`: wanted, but not listening. */
  state: 'open' | 'failed';
  /** Why it is not open, or what is special about it. */
  cause: string | null;
}

export interface Tool {
  id: string;
  name: string;
  target: string;
  /** Only where there is one. */
  certificate?: string;
  identity_header?: string;
  allowed_origins?: string[];
  /** What is in force. */
  level: Level;
  /** What the owner or the settings file asks for. */
  wanted: Level;
  doors: Door[];
  /** When it closes by itself: seconds since 1970. */
  until: number | null;
  secrets: string[];
  /** Until when anybody on this network may use it without a password; only where that is so. */
  anybody_until?: number;
  /** Whether it is answered without encryption too, on the local network; only where that is asked for. */
  plain_http?: 'on' | 'waits';
}

/** Who used a tool in the last minutes. */
export interface Visitor {
  user: string;
  tool: string;
  address: string;
  since: number;
}

/** What the window can do about a trouble. */
export type Fix =
  | { fix: 'unlock' }
  | { fix: 'open'; tool: string; level: Level }
  | { fix: 'create-recovery-code' }
  | { fix: 'import-certificate' }
  | { fix: 'ask-password'; tool: string }
  | { fix: 'show-tool'; tool: string };

export interface Trouble {
  what: string;
  /** Why, on the command line. */
  why: string;
  /** What to do on the command line. */
  do: string;
  /** Why, for the window. */
  reason?: string | null;
  /** What to do, for the window. */
  advice?: string | null;
  fix?: Fix | null;
}

export interface Status {
  headline: Headline;
  gate: string[];
  tools: Tool[];
  visitors: Visitor[];
  problems: Trouble[];
  revision: number;
}

export interface User {
  name: string;
  admin: boolean;
  /** Nobody gets in with it; left out where it is not so. */
  disabled?: boolean;
  /** Tool names, or null for all. */
  tools: string[] | null;
  factors: string[];
  /** Whether that is enough for the internet. */
  strong: boolean;
  /** Only where it is true: the password was imported and never seen yet. */
  unproven?: boolean;
  last_seen: number | null;
  /** How many are left; only with a second factor. */
  recovery_codes?: number;
  /** Oldest first; left out where there is none. */
  passkeys?: Passkey[];
}

/** A passkey of an account. */
export interface Passkey {
  id: string;
  /** What its owner calls it. */
  name: string;
  /** The name of the gate it works at. */
  host: string;
  /** Whether it signs in without a password too. */
  alone: boolean;
  created: number;
  /** Left out where it was never used. */
  last_used?: number;
}

/** What an authenticator app is told, this once. */
export interface TotpBegun {
  /** `otpauth://totp/…` */
  uri: string;
  /** The same seed, to be typed. */
  seed: string;
  expires: number;
}

/** Recovery codes just made, this once. */
export interface RecoveryCodes {
  user: User;
  codes: string[];
}

/** An account just made, or a password just set. */
export interface UserCreated {
  user: User;
  /** The generated passphrase, this once. */
  password: string | null;
}

/** A password for one device or program, without its text. */
export interface Token {
  id: string;
  user: string;
  name: string;
  /** Name of the one tool it opens, or null for every tool of its user. */
  tool: string | null;
  created: number;
  expires: number | null;
  last_seen: number | null;
}

/** An account that somebody may make for themselves, without the code of its link. */
export interface Invite {
  id: string;
  /** The name to sign in with. */
  name: string;
  admin: boolean;
  /** Tool names, or null for all. */
  tools: string[] | null;
  created: number;
  expires: number;
}

/** Somebody who gave a right password from the internet on a new device, and waits for the owner. */
export interface Approval {
  id: string;
  user: string;
  /** What the device shows; null where a program asks, which shows nothing. */
  number: number | null;
  address: string;
  agent: string;
  since: number;
  expires: number;
}

/** A device on which a user need not wait for the owner any more, or a program that need not for a while. */
export interface Device {
  id: string;
  user: string;
  agent: string;
  created: number;
  /** Null for a program. */
  last_seen: number | null;
  /** From where a program is let in. */
  network: string | null;
  /** When a program has to ask again. */
  expires: number | null;
}

/** An invite just made, with its link, this once. */
export type InviteCreated = Invite & { url: string };

/** A link with which a guest uses one tool on one device, without its code. */
export interface Pass {
  id: string;
  /** The tool's name. */
  tool: string;
  label: string;
  /** Who made it, or null for the owner. */
  maker: string | null;
  read_only: boolean;
  created: number;
  expires: number;
  /** Where it was opened, or null while it waits. */
  device: PassDevice | null;
}

export interface PassDevice {
  level: Level;
  address: string;
  agent: string;
  since: number;
  last_seen: number;
}

/** A pass just made, with its link, this once. */
export type PassCreated = Pass & { url: string };

/** How good a password would be. */
export interface PasswordJudgement {
  /** From 0, among the first guesses, to 4, beyond guessing. */
  score: number;
  /** Whether it may be used at all. */
  lan: boolean;
  /** Whether it is enough for the internet. */
  internet: boolean;
  /** Why it may not be used. */
  refusal: Problem | null;
}

export interface Session {
  id: string;
  user: string;
  kind: 'browser' | 'plain' | 'program';
  level: Level;
  address: string;
  agent: string;
  tools: string[];
  since: number;
  last_seen: number;
  expires: number;
}

export interface Certificate {
  kind: 'authority' | 'lan' | 'imported' | 'self-signed';
  names: string[];
  fingerprint: string;
  not_after: number;
  pem: string | null;
}

/** Every tool, or those named by id. */
export type Reach = 'all' | { only: string[] };
export type NetworkTarget = 'refused' | 'allowed';
/** Who else is in a network, as the owner says. */
export type Surroundings = 'home' | 'shared';

/** Where a tool looks for a secret. */
export type SecretPlace =
  | { kind: 'aria2' }
  | { kind: 'bearer' }
  | { kind: 'basic'; user: string }
  | { kind: 'header'; name: string }
  | { kind: 'query'; name: string };

/** Each request with what it needs and what it answers. */
export interface Requests {
  status: [{}, Status];
  'tool-add': [{ name: string; target: string; network_target: NetworkTarget }, Tool];
  'tool-set': [
    {
      tool: string;
      name?: string | null;
      target?: string | null;
      network_target?: NetworkTarget;
      lan_port?: number | null;
      internet_port?: number | null;
      identity_header?: string | null;
      allowed_origins?: string[] | null;
      plain_http?: boolean | null;
    },
    Tool,
  ];
  'secret-set': [{ tool: string; place: SecretPlace; value: string }, Tool];
  'secret-remove': [{ tool: string; secret: string }, Tool];
  'tool-remove': [{ tool: string }, null];
  level: [{ tool: string; level: Level; for_seconds: number | null }, Tool];
  'without-password': [{ tool: string; network: Surroundings; for_seconds: number | null }, Tool];
  'with-password': [{ tool: string }, Tool];
  close: [{}, Tool[]];
  'user-add': [{ name: string; admin: boolean; reach: Reach; password: string | null }, UserCreated];
  'user-import': [{ lines: string; reach: Reach }, User[]];
  'password-check': [{ name: string; password: string }, PasswordJudgement];
  'user-password': [{ name: string; password: string | null }, UserCreated];
  'user-set': [{ name: string; admin: boolean | null; reach: Reach | null; disabled?: boolean | null }, User];
  'user-remove': [{ name: string }, null];
  'user-invite': [{ name: string; admin: boolean; reach: Reach; for_seconds: number | null }, InviteCreated];
  'user-uninvite': [{ id: string }, null];
  'user-totp-begin': [{ name: string }, TotpBegun];
  'user-totp-confirm': [{ name: string; code: string }, RecoveryCodes];
  'user-totp-remove': [{ name: string }, User];
  'user-passkey-remove': [{ name: string; id: string }, User];
  'user-recovery-codes': [{ name: string }, RecoveryCodes];
  'session-end': [{ id: string }, null];
  'approval-allow': [{ id: string; always: boolean }, null];
  'approval-refuse': [{ id: string }, null];
  'device-forget': [{ id: string }, null];
  'token-create': [
    { user: string; name: string; tool: string | null; expires_seconds: number | null },
    Token & { secret: string },
  ];
  'token-revoke': [{ id: string }, null];
  'pass-create': [{ tool: string; label: string; for_seconds: number | null; read_only: boolean }, PassCreated];
  'pass-revoke': [{ id: string }, null];
  'certificate-list': [{}, Certificate[]];
  'certificate-import': [{ chain_pem: string; key_pem: string }, Certificate];
  'recovery-create': [{}, string];
  'recovery-use': [{ code: string }, null];
  unlock: [{}, null];
}

export type Request = { [Name in keyof Requests]: { request: Name } & Requests[Name][0] }[keyof Requests];
export type Reply<Asked extends Request> = Requests[Asked['request']][1];

export type ProblemType = 'invalid' | 'unknown' | 'conflict' | 'no-network' | 'refused' | 'failed' | 'busy';

/** Why a request was refused. */
export interface Problem {
  type: ProblemType;
  /** A sentence for the command line. */
  detail: string;
  /** The same for the window. */
  message?: string | null;
}

/** What the engine tells without being asked. */
export type EngineEvent =
  | {
      event: 'state';
      status: Status;
      users: User[];
      sessions: Session[];
      tokens: Token[];
      invites: Invite[];
      approvals: Approval[];
      devices: Device[];
      passes: Pass[];
    }
  | { event: 'headline'; headline: Headline; gate: string[] }
  | { event: 'tool'; tool: Tool }
  | { event: 'tool-removed'; id: string }
  | { event: 'users'; users: User[] }
  | { event: 'sessions'; sessions: Session[] }
  | { event: 'tokens'; tokens: Token[] }
  | { event: 'invites'; invites: Invite[] }
  | { event: 'approvals'; approvals: Approval[] }
  | { event: 'devices'; devices: Device[] }
  | { event: 'passes'; passes: Pass[] }
  | { event: 'visitors'; visitors: Visitor[] }
  | { event: 'problems'; problems: Trouble[] };

/** What the shell adds about the engine itself. */
export type LifeEvent =
  | { event: 'engine'; state: 'running'; here: boolean }
  | { event: 'engine'; state: 'starting' }
  | { event: 'engine'; state: 'gone'; message: string };

/** What the shell asks of the window. */
export type ShellEvent =
  | {
      event: 'show';
      panel: 'overview' | 'tools' | 'people' | 'settings' | null;
      tool: string | null;
      qr: boolean;
      /** What was refused outside the window. */
      problem: Problem | null;
    }
  | { event: 'closing'; doors: number };

export type WindowEvent = EngineEvent | LifeEvent | ShellEvent;
