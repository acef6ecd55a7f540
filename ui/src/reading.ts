// What the panels read out of the picture: pure questions with plain answers, nothing decided.
import { plain, sentence } from './plain';
import type { Door, Level, Session, Tool, Trouble, User, Visitor } from './protocol';

export const levels: readonly Level[] = ['local', 'lan', 'internet'];

/** Whether `tool` can be reached from elsewhere now. */
export function isOpen(tool: Tool): boolean {
  return tool.level !== 'local' && tool.doors.some((door) => door.state === 'open');
}

/** Whether the owner asked for more than is true. */
export function isWaiting(tool: Tool): boolean {
  return !isOpen(tool) && (tool.wanted !== 'local' || tool.level !== 'local');
}

/** The doors that work now, the farthest first, as `drawbridge url` orders them. */
export function openDoors(tool: Tool): Door[] {
  const open = tool.doors.filter((door) => door.state === 'open');
  return open.sort((one, other) => levels.indexOf(other.level) - levels.indexOf(one.level));
}

/** The trouble that says nothing sealed can be opened, where there is one. */
export function closedVault(problems: Trouble[]): Trouble | undefined {
  return problems.find((problem) => problem.fix?.fix === 'unlock' || problem.do.endsWith('drawbridge unlock'));
}

/** Why there is `trouble`. */
export function reason(trouble: Trouble): string {
  return sentence(trouble.reason ?? trouble.why);
}

/** What to do about `trouble`: for the window where the engine says it, else the command as it is to be typed. */
export function advice(trouble: Trouble): string {
  return trouble.advice ? sentence(trouble.advice) : plain(trouble.do, COMMAND);
}

/** What is wrong with the program behind `tool`. */
export function troublesOf(tool: Tool, problems: Trouble[]): Trouble[] {
  return problems.filter(({ fix, what }) =>
    fix ? 'tool' in fix && fix.tool === tool.id : what.startsWith(`${tool.name} `),
  );
}

/** Accounts that may use `tool`. */
export function usersOf(tool: Tool, users: User[]): User[] {
  return users.filter((user) => user.tools === null || user.tools.includes(tool.name));
}

/** The sign-ins by which `visitor` is in; none where a program sends name and password itself. */
export function sessionsOf(visitor: Visitor, sessions: Session[]): Session[] {
  const { user, tool, address } = visitor;
  const all = sessions.filter((it) => it.user === user && it.tools.includes(tool));
  const here = all.filter((it) => it.address === address);
  // Addresses change while a sign-in lasts: rather one sign-in too many than none.
  return here.length > 0 ? here : all;
}

/** Long enough for a command with a tool's name. */
const COMMAND = 400;
