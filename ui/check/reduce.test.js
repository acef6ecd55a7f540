// The picture the window shows follows the engine's events.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './modules.js';

const { nothingKnown, reduce } = await load('reduce.ts');
const { closedVault, openDoors, sessionsOf, troublesOf, usersOf } = await load('reading.ts');

const tool = (id, level = 'local') => ({
  id, name: id.toUpperCase(), target: 'http://127.0.0.1:1', level, wanted: level, doors: [], until: null, secrets: [],
});
const status = (tools) => ({ headline: 'closed', gate: [], tools, visitors: [], problems: [], revision: 3 });
const whole = { event: 'state', status: status([tool('a'), tool('b')]), users: [], sessions: [] };
const after = (...events) => events.reduce(reduce, nothingKnown);

test('nothing is known before the whole state came', () => {
  assert.equal(nothingKnown.known, false);
  assert.equal(after({ event: 'engine', state: 'running', here: true }).known, false);
  assert.equal(after(whole).known, true);
});

test('a changed tool keeps its place, a new one comes last, a removed one goes', () => {
  const ids = (picture) => picture.tools.map((it) => it.id + it.level);
  assert.deepEqual(ids(after(whole, { event: 'tool', tool: tool('a', 'lan') })), ['alan', 'blocal']);
  assert.deepEqual(ids(after(whole, { event: 'tool', tool: tool('c') })), ['alocal', 'blocal', 'clocal']);
  assert.deepEqual(ids(after(whole, { event: 'tool-removed', id: 'a' })), ['blocal']);
});

test('an engine that is gone leaves nothing that could be taken for true', () => {
  const gone = after(whole, { event: 'engine', state: 'gone', message: 'it ended' });
  assert.deepEqual(gone, { ...nothingKnown, engine: { state: 'gone', message: 'it ended' } });
  assert.equal(reduce(gone, { event: 'engine', state: 'starting' }).engine.state, 'starting');
});

test('the whole state keeps what the shell said of the engine, and stands for itself', () => {
  const here = { event: 'engine', state: 'running', here: true };
  assert.deepEqual(after(here, whole).engine, { state: 'running', here: true });
  assert.deepEqual(after(whole).engine, { state: 'running', here: null });
  assert.equal(after(whole, here).known, true);
});

test('an event of a newer engine changes nothing', () => {
  const known = after(whole);
  assert.equal(reduce(known, { event: 'weather', sunny: true }), known);
});

test('no event changes the picture in place', () => {
  const known = after(whole);
  const before = structuredClone(known);
  reduce(known, { event: 'tool', tool: tool('a', 'lan') });
  reduce(known, { event: 'headline', headline: 'lan', gate: ['https://x'] });
  assert.deepEqual(known, before);
});

test('only open doors give share addresses, the farthest first', () => {
  const door = (level, url, state) => ({ level, url, state, cause: null });
  const doors = [door('lan', 'https://l', 'open'), door('lan', 'https://x', 'failed'), door('internet', 'https://i', 'open')];
  assert.deepEqual(openDoors({ ...tool('a'), doors }).map((it) => it.url), ['https://i', 'https://l']);
});

test('a closed keyring is known by its fix, and by its command where there is no fix', () => {
  assert.ok(closedVault([{ what: 'w', why: 'y', do: 'd', fix: { fix: 'unlock' } }]));
  assert.ok(closedVault([{ what: 'w', why: 'y', do: 'When that is mended, run: drawbridge unlock' }]));
  assert.equal(closedVault([{ what: 'w', why: 'y', do: 'drawbridge recovery create', fix: null }]), undefined);
});

test('a trouble belongs to its tool, an account to what it may use, a visitor to the sign-in', () => {
  const mine = { what: 'A is not running', why: '', do: '', fix: { fix: 'show-tool', tool: 'a' } };
  assert.deepEqual(troublesOf(tool('a'), [mine, { ...mine, fix: { fix: 'show-tool', tool: 'b' } }]), [mine]);
  assert.equal(troublesOf(tool('a'), [{ what: 'A is not running', why: '', do: '' }]).length, 1);
  const users = [{ name: 'all', tools: null }, { name: 'one', tools: ['B'] }, { name: 'none', tools: [] }];
  assert.deepEqual(usersOf(tool('b'), users).map((user) => user.name), ['all', 'one']);
  const session = { id: '1', user: 'u', address: '::1', tools: ['A'] };
  const visitor = { user: 'u', tool: 'A', address: '::1', since: 0 };
  assert.deepEqual(sessionsOf(visitor, [session, { ...session, id: '2', address: '::2' }]), [session]);
});
