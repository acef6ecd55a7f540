// Every sentence asked for exists, and every sentence that exists is asked for.
import { FluentBundle, FluentResource } from '@fluent/bundle';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const source = readFileSync(new URL('../../locales/en/window.ftl', import.meta.url), 'utf8');
const resource = new FluentResource(source);
const messages = new Set(resource.body.map((message) => message.id));
const calls = new Map();
for (const file of readdirSync(new URL('../src', import.meta.url), { recursive: true })) {
  if (!/\.(ts|svelte)$/.test(file)) continue;
  const text = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8');
  for (const [, id] of text.matchAll(/\b(?:t|bare)\(\s*'([^']+)'/g)) calls.set(id, file);
  // An id that is put together cannot be checked here.
  const computed = text.match(/[^.\w](?:t|bare)\(\s*[^'\s)].*/);
  if (file !== 'texts.ts') assert.equal(computed, null, `${file}: ${computed?.[0]}`);
}

test('every text asked for exists', () => {
  assert.deepEqual([...calls].filter(([id]) => !messages.has(id)), []);
});

test('every text that exists is asked for', () => {
  assert.deepEqual([...messages].filter((id) => !calls.has(id)), []);
});

test('the language file has no errors and no id twice', () => {
  const lines = source.match(/^[a-z][a-z0-9-]* =/gm) ?? [];
  assert.equal(resource.body.length, lines.length);
  const bundle = new FluentBundle('en');
  assert.deepEqual(bundle.addResource(resource), []);
});
