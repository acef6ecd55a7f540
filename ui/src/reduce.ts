// One picture of the engine, made from its events: the whole state first, then changes. Pure; `state.svelte.ts`
// holds the result for the panels.
import type {
  Approval,
  Device,
  EngineEvent,
  Headline,
  Invite,
  LifeEvent,
  Pass,
  Session,
  Token,
  Tool,
  Trouble,
  User,
  Visitor,
} from './protocol';

export interface Picture {
  engine: Engine;
  /** Whether the whole state has arrived since the engine runs. */
  known: boolean;
  headline: Headline;
  gate: string[];
  tools: Tool[];
  visitors: Visitor[];
  problems: Trouble[];
  users: User[];
  sessions: Session[];
  tokens: Token[];
  invites: Invite[];
  approvals: Approval[];
  devices: Device[];
  passes: Pass[];
}

/** `here`: inside this program; null while the shell has not said. */
export type Engine =
  | { state: 'starting' }
  | { state: 'running'; here: boolean | null }
  | { state: 'gone'; message: string };

export const nothingKnown: Picture = {
  engine: { state: 'starting' },
  known: false,
  headline: 'closed',
  gate: [],
  tools: [],
  visitors: [],
  problems: [],
  users: [],
  sessions: [],
  tokens: [],
  invites: [],
  approvals: [],
  devices: [],
  passes: [],
};

/** The picture after one event. An event this window does not know changes nothing. */
export function reduce(picture: Picture, event: EngineEvent | LifeEvent): Picture {
  switch (event.event) {
    case 'engine':
      return life(picture, event);
    case 'state': {
      const { headline, gate, tools, visitors, problems } = event.status;
      const { users, sessions, tokens, invites, approvals, devices, passes } = event;
      const engine: Engine = picture.engine.state === 'running' ? picture.engine : { state: 'running', here: null };
      const people = { users, sessions, tokens, invites, approvals, devices, passes };
      return { engine, known: true, headline, gate, tools, visitors, problems, ...people };
    }
    case 'headline':
      return { ...picture, headline: event.headline, gate: event.gate };
    case 'tool':
      return { ...picture, tools: withTool(picture.tools, event.tool) };
    case 'tool-removed':
      return { ...picture, tools: picture.tools.filter((tool) => tool.id !== event.id) };
    case 'users':
      return { ...picture, users: event.users };
    case 'sessions':
      return { ...picture, sessions: event.sessions };
    case 'tokens':
      return { ...picture, tokens: event.tokens };
    case 'invites':
      return { ...picture, invites: event.invites };
    case 'approvals':
      return { ...picture, approvals: event.approvals };
    case 'devices':
      return { ...picture, devices: event.devices };
    case 'passes':
      return { ...picture, passes: event.passes };
    case 'visitors':
      return { ...picture, visitors: event.visitors };
    case 'problems':
      return { ...picture, problems: event.problems };
    default:
      return picture;
  }
}

function life(picture: Picture, event: LifeEvent): Picture {
  switch (event.state) {
    case 'running':
      return { ...picture, engine: { state: 'running', here: event.here } };
    case 'starting':
      return { ...nothingKnown };
    case 'gone':
      // What was known is no longer true: an engine that is gone keeps nothing open.
      return { ...nothingKnown, engine: { state: 'gone', message: event.message } };
    default:
      return picture;
  }
}

function withTool(tools: Tool[], changed: Tool): Tool[] {
  const known = tools.some((tool) => tool.id === changed.id);
  return known ? tools.map((tool) => (tool.id === changed.id ? changed : tool)) : [...tools, changed];
}
