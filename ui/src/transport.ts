// The one file that knows how the window reaches the engine and the services of the shell: by the shell's single
// command in the desktop program, by HTTP in a browser (development only, see `dev/engine.ts`).
import { Channel, invoke } from '@tauri-apps/api/core';
import type { Problem, Reply, Request, WindowEvent } from './protocol';
import { t } from './texts';

interface Transport {
  ask(request: Request): Promise<unknown>;
  listen(onEvent: (event: WindowEvent) => void): Promise<() => void>;
  copy(text: string, secret: boolean): Promise<void>;
  browse(url: string): Promise<void>;
  /** Starts the engine again after it went away or could not start. */
  start(): Promise<void>;
  /** Tells the shell that the owner is being asked whether the window may close. */
  asking(): Promise<void>;
  closeWindow(): Promise<void>;
}

const transport: Transport = '__TAURI_INTERNALS__' in globalThis ? desktop() : browser();

/** Asks the engine; rejects with a [`Problem`]. */
export async function ask<Asked extends Request>(request: Asked): Promise<Reply<Asked>> {
  return (await transport.ask(request)) as Reply<Asked>;
}

export const { listen, copy, start, asking, closeWindow } = transport;

/** Opens a share address outside the window; anything but http and https is refused. */
export async function browse(url: string): Promise<void> {
  const checked = webAddress(url);
  if (checked === null) throw failed(t('not-an-address'));
  await transport.browse(checked);
}

/** The address as a browser takes it, or null where it is none of http or https. */
export function webAddress(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.href : null;
}

/** Whatever was thrown, as a problem. */
export function asProblem(caught: unknown): Problem {
  if (typeof caught === 'object' && caught !== null && 'type' in caught && 'detail' in caught) return caught as Problem;
  return failed(caught instanceof Error ? caught.message : String(caught));
}

function failed(detail: string): Problem {
  return { type: 'failed', detail };
}

function desktop(): Transport {
  const call = async (message: unknown, channel?: Channel<WindowEvent>): Promise<unknown> => {
    try {
      return await invoke('ask', { message, channel });
    } catch (caught) {
      throw asProblem(caught);
    }
  };
  const shell = async (message: object): Promise<void> => void (await call(message));
  return {
    ask: call,
    async listen(onEvent) {
      const channel = new Channel<WindowEvent>(onEvent);
      await call({ shell: 'listen' }, channel);
      return () => {
        channel.onmessage = () => undefined;
      };
    },
    copy: (text, secret) => shell({ shell: 'copy', text, secret }),
    browse: (url) => shell({ shell: 'browse', url }),
    start: () => shell({ shell: 'start' }),
    asking: () => shell({ shell: 'asking' }),
    closeWindow: () => shell({ shell: 'close-window' }),
  };
}

function browser(): Transport {
  let again = (): void => undefined;
  return {
    async ask(request) {
      let answer: Response;
      try {
        answer = await fetch('/v1/request', { method: 'POST', body: JSON.stringify(request) });
      } catch {
        throw failed(t('engine-unreachable'));
      }
      const reply: unknown = await answer.json();
      if (!answer.ok) throw asProblem(reply);
      return reply;
    },
    async listen(onEvent) {
      const stop = new AbortController();
      const follow = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          await stream(onEvent, stop.signal).catch(() => undefined);
          if (stop.signal.aborted) return;
          onEvent({ event: 'engine', state: 'gone', message: t('engine-unreachable') });
          await new Promise<void>((wake) => (again = wake));
          onEvent({ event: 'engine', state: 'starting' });
        }
      };
      void follow();
      return () => stop.abort();
    },
    copy: (text) => navigator.clipboard.writeText(text),
    async browse(url) {
      globalThis.open(url, '_blank', 'noopener,noreferrer');
    },
    start: async () => again(),
    asking: async () => undefined,
    closeWindow: async () => globalThis.close(),
  };
}

/** Reads the engine's events, one JSON object a line, until the stream ends. */
async function stream(onEvent: (event: WindowEvent) => void, signal: AbortSignal): Promise<void> {
  const answer = await fetch('/v1/events', { signal });
  if (!answer.ok || !answer.body) throw new Error(answer.statusText);
  onEvent({ event: 'engine', state: 'running', here: false });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line) onEvent(JSON.parse(line) as WindowEvent);
  }
}
