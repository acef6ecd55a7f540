// Text from strangers cannot hide, turn round, or fill the window.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './modules.js';

const { plain, sentence } = await load('plain.ts');

test('ordinary names of many scripts stay as they are', () => {
  for (const name of ['Notebook', 'Größe 5', 'נסיון', 'می‌خواهم', '日本語', '👩‍💻', '<b>x</b>']) assert.equal(plain(name), name);
});

test('direction and invisible characters are made visible', () => {
  assert.equal(plain('a\u202Eb\u2066c\u200Bd\uFEFFe\u{E0041}f'), 'a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf');
  assert.equal(plain('\u061C\u200F\u009B'), '\uFFFD\uFFFD\uFFFD');
});

test('controls are shown as their pictures, line ends as blanks', () => {
  assert.equal(plain('a\u0000b\u001Bc\u007Fd'), 'a␀b␛c␡d');
  assert.equal(plain('a\r\nb\tc\u2028d'), 'a  b c d');
});

test('a name is cut behind its limit, never within a character', () => {
  assert.equal(plain('x'.repeat(200)), 'x'.repeat(200));
  assert.equal(plain('x'.repeat(201)), `${'x'.repeat(200)}…`);
  assert.equal(plain('😀'.repeat(300)), `${'😀'.repeat(200)}…`);
  assert.equal(plain('x'.repeat(1 << 20)).length, 201);
  assert.equal(plain('\ud83d'), '\uFFFD');
});

test('a sentence begins with a capital and ends with a full stop', () => {
  assert.equal(sentence('no free port was found'), 'No free port was found.');
  assert.equal(sentence('Start the tool.'), 'Start the tool.');
  assert.equal(sentence(''), '');
});
