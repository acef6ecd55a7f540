// For development and checks only: passes `/v1/request` and `/v1/events` on to the control socket of a running
// engine, so that an ordinary browser can show the window. No part of the product; the shell never loads it.
//
// Only pages of this very server may use it: another origin's request is refused, as is another host name.
import { request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** The shell's content security policy, with the browser's way to the engine in place of the shell's. */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

export function engine(): Plugin {
  return {
    name: 'drawbridge-engine',
    configureServer: (server) => void server.middlewares.use(pass),
    configurePreviewServer: (server) => void server.middlewares.use(pass),
  };
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, next: () => void): void {
  const path = incoming.url ?? '';
  if (path !== '/v1/request' && path !== '/v1/events') return next();
  if (!fromOwnPage(incoming)) return refuse(outgoing, 403, 'this page may not ask the engine');
  const home = process.env['DRAWBRIDGE_HOME'];
  if (!home) return refuse(outgoing, 502, 'set $DRAWBRIDGE_HOME to the home of a running engine');
  const asked = send(
    { socketPath: join(home, 'run/control.sock'), path, method: incoming.method, headers: { host: 'drawbridge' } },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? '' });
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    },
  );
  asked.on('error', () => {
    if (outgoing.headersSent) outgoing.destroy();
    else refuse(outgoing, 502, 'no engine is running for this home');
  });
  outgoing.on('close', () => asked.destroy());
  incoming.pipe(asked);
}

function fromOwnPage(incoming: IncomingMessage): boolean {
  const { host, origin, 'sec-fetch-site': site } = incoming.headers;
  const known = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host ?? '');
  return known && (origin === undefined || origin === `http://${host}`) && (site ?? 'same-origin') === 'same-origin';
}

function refuse(outgoing: ServerResponse, status: number, detail: string): void {
  outgoing.writeHead(status, { 'content-type': 'application/problem+json' });
  outgoing.end(JSON.stringify({ type: 'failed', detail }));
}
