// Text from strangers, made fit to be shown: short, on one line, and without characters that hide or turn it round.
// Names of tools, people and browsers come through here; nothing of them is ever read as markup.

/** What fits on a line and more; a browser may call itself by a million letters. */
const LIMIT = 200;

/**
 * At most `limit` characters of `text`, with controls made visible. Direction marks and other invisible characters
 * become a replacement character; line ends and tabs become blanks.
 */
export function plain(text: string, limit = LIMIT): string {
  // Cut before looking: a pair of surrogates is two units, so this keeps at least `limit` characters.
  const letters = Array.from(text.slice(0, 2 * limit + 2));
  const shown = letters.slice(0, limit).map(visible).join('');
  return letters.length > limit || text.length > 2 * limit + 2 ? `${shown}…` : shown;
}

/** A sentence of the engine as it stands in the window: a capital first, a full stop last. */
export function sentence(text: string): string {
  const shown = plain(text.trim(), SENTENCE);
  const begun = shown.charAt(0).toUpperCase() + shown.slice(1);
  return begun === '' || /[.!?…:]$/.test(begun) ? begun : `${begun}.`;
}

function visible(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  if (code === 0x9 || code === 0xa || code === 0xd || code === 0x2028 || code === 0x2029) return ' ';
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return HIDDEN.some(([first, last]) => code >= first && code <= last) ? '\uFFFD' : letter;
}

/** Sentences quote names of up to 64 letters; the engine's own longest has about 250. */
const SENTENCE = 400;

/**
 * Characters that show nothing or change the direction of others: C1 controls, soft hyphen, Arabic letter mark,
 * zero-width space, direction marks, embeddings, isolates, invisible operators, byte order mark, annotations,
 * lone surrogates and tags. Joiners (U+200C, U+200D) stay: languages and emoji need them.
 */
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x80, 0x9f],
  [0xad, 0xad],
  [0x61c, 0x61c],
  [0x180e, 0x180e],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe0fff],
];
