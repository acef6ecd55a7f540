// How a page of ours is looked at: in every light and width, by its structure, and with the keyboard.

import { NARROW, WIDE, expect } from './lib.mjs';

export const LOOKS = [
  { look: 'light-wide', colorScheme: 'light', viewport: WIDE },
  { look: 'dark-wide', colorScheme: 'dark', viewport: WIDE },
  // As a phone, so that a page that forgets to say it fits is laid out 980 pixels wide.
  { look: 'light-narrow', colorScheme: 'light', viewport: NARROW, isMobile: true, hasTouch: true },
  { look: 'dark-narrow', colorScheme: 'dark', viewport: NARROW, isMobile: true, hasTouch: true },
];
/** No page of ours has more places for the keyboard than this; it ends a search that goes in circles. */
const MOST_STOPS = 60;
/** Room around an element in which an outline is drawn, in CSS pixels. */
const OUTLINE_ROOM = 6;

/** Runs in the page; returns a sentence per fault. */
export function faultsOfPage() {
  const faults = [];
  const fault = (held, words) => held || faults.push(words);
  const text = (element) => element?.textContent.trim() ?? '';
  const named = (element) =>
    text(element) || element.getAttribute('aria-label')?.trim() || element.title || element.querySelector('img[alt]:not([alt=""]), svg title');
  const show = (element) => element.outerHTML.replace(/\s+/g, ' ').slice(0, 80);

  fault(document.title.trim() !== '', 'the page has no title');
  fault(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(document.documentElement.lang), `lang is ${JSON.stringify(document.documentElement.lang)}`);
  fault(document.compatMode === 'CSS1Compat', 'the page has no doctype');
  for (const input of document.querySelectorAll('input:not([type=hidden], [type=submit], [type=button]), select, textarea')) {
    const referred = input.getAttribute('aria-labelledby')?.split(/\s+/).map((id) => text(document.getElementById(id)));
    const label = [...input.labels].map(text).concat(referred ?? []).join(' ').trim();
    fault(label !== '', `no label is tied to ${show(input)}`);
  }
  for (const element of document.querySelectorAll('button, a[href], [role=button]')) {
    fault(named(element), `no name: ${show(element)}`);
  }
  for (const image of document.querySelectorAll('img')) {
    fault(image.hasAttribute('alt'), `no alt: ${show(image)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
  fault(twice.length === 0, `ids used twice: ${twice.join(', ')}`);
  const { documentElement, body } = document;
  // The body's own as well: where it hides what sticks out, the page looks narrow and is cut off.
  const scrollWidth = Math.max(documentElement.scrollWidth, body.scrollWidth);
  // The screen's width, since a page too wide for a phone widens the layout along with it.
  const width = Math.min(documentElement.clientWidth, screen.width);
  fault(scrollWidth <= width, `scrolls sideways: ${scrollWidth} px in ${width} px`);
  return faults;
}

/** Goes through the page with Tab; each stop must look different from how it looks without focus. Returns their number. */
export async function expectVisibleFocus(page) {
  const expected = await page.evaluate(() => {
    // From the top, also where an input has the focus from the start: Tab goes on from where the focus was last.
    document.body.tabIndex = -1;
    document.body.focus({ preventScroll: true });
    document.body.removeAttribute('tabindex');
    return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')].filter(
      (element) => !element.disabled && element.checkVisibility({ visibilityProperty: true }),
    ).length;
  });
  const seen = new Set();
  while (seen.size < MOST_STOPS) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(placeOfFocus, OUTLINE_ROOM);
    if (stop === null || seen.has(stop.path)) break;
    seen.add(stop.path);
    const look = () => page.screenshot({ clip: stop.clip, animations: 'disabled', caret: 'hide' });
    const focused = await look();
    const element = await page.evaluateHandle(() => document.activeElement);
    await element.evaluate((node) => node.blur());
    const blurred = await look();
    expect(!focused.equals(blurred), `the keyboard's place cannot be seen on ${stop.html}`);
    await element.focus();
  }
  // Radio buttons share one stop, so fewer stops than elements are right there.
  const radios = await page.locator('input[type=radio]').count();
  expect(seen.size >= expected - radios, `Tab reaches ${seen.size} of ${expected} elements`);
  return seen.size;
}

/** Runs in the page; null when the focus has left it. */
function placeOfFocus(room) {
  const element = document.activeElement;
  if (!element || element === document.body || element === document.documentElement) return null;
  element.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { x, y, width, height } = element.getBoundingClientRect();
  const left = Math.max(0, x - room);
  const top = Math.max(0, y - room);
  const path = [];
  for (let node = element; node; node = node.parentElement) path.push([...(node.parentElement?.children ?? [node])].indexOf(node));
  return {
    path: path.join('.'),
    html: element.outerHTML.replace(/\s+/g, ' ').slice(0, 80),
    clip: {
      x: left,
      y: top,
      width: Math.max(1, Math.min(innerWidth, x + width + room) - left),
      height: Math.max(1, Math.min(innerHeight, y + height + room) - top),
    },
  };
}
