// Pictures of what visitors see, in every light and width, and the basics that make these pages usable by everybody.
//
// Input: {"pages": [{"name": "sign-in", "url": "https://…", "status": 200}, …], "screenshotDir"} and, as needed,
//   "status" of a page      what it must answer with after redirects; not looked at without
//   "as" of a page          {"username", "password"}: signs in where the page asks for it, then opens the page again
//   "attempt" of a page     {"username", "password", "times"}: sends the sign-in form with this that often and looks at what
//                           comes back; the look is added to the name, so that no look waits for another's failures
//   "signIn"                {"url", "username", "password"}: a tool's share URL; signs in with JavaScript disabled
//   "caPem", "ignoreHTTPSErrors", "deadlineMs"
// Screenshots: NAME-light-wide, NAME-dark-wide, NAME-light-narrow, NAME-dark-narrow; signed-in-without-javascript; failure.
//
// Per look it checks title, language, names of inputs, buttons, links and pictures, and that the keyboard's place can be
// seen; when narrow also that nothing scrolls sideways. It does not measure contrast: look at the pictures.

import { NARROW, WIDE, expect, expectSignInForm, origin, script, signIn } from './lib.mjs';

const LOOKS = [
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

await script(['pages'], async (input, run) => {
  for (const page of input.pages) {
    for (const { look, ...options } of LOOKS) {
      await run.step(`${page.name} ${look}`, () => examine(run, page, look, options));
    }
  }
  if (input.signIn) await run.step('sign-in-without-javascript', () => withoutJavaScript(run, input.signIn));
});

async function examine(run, { name, url, status, as, attempt }, look, options) {
  const visitor = await run.browser.visitor(options);
  const page = (run.page = await visitor.newPage());
  if (as) {
    await page.goto(url, { waitUntil: 'domcontentloaded' });
    await expectSignInForm(page);
    await signIn(page, as);
  }
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // A page that answers 401 or 404 makes Chromium say so; that is what "status" is for.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text());
  });

  const answer = attempt ? await tryInVain(page, url, attempt, look) : await page.goto(url, { waitUntil: 'load' });
  // A page that tries again by itself would go away under the eyes that look at it.
  await page.evaluate(() => window.stop());
  if (status !== undefined) expect(answer.status() === status, `answered ${answer.status()}, expected ${status}`);
  const screenshot = await run.screenshot(`${name}-${look}`, { fullPage: true });
  const faults = await page.evaluate(faultsOfPage);
  expect(faults.length === 0, faults.join('; '));
  const stops = options.isMobile ? undefined : await expectVisibleFocus(page);
  expect(errors.length === 0, `the page complains: ${errors.join('; ')}`);
  await visitor.close();
  return { status: answer.status(), url: answer.url(), stops, screenshot };
}

/** Sends a wrong password; returns the last answer. */
async function tryInVain(page, url, { username, password, times = 1 }, look) {
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  let answer;
  for (let time = 0; time < times; time += 1) {
    await expectSignInForm(page);
    answer = await signIn(page, { username: `${username}-${look}`, password });
  }
  await expectSignInForm(page);
  const kept = await page.locator('input[name=username]').inputValue();
  expect(kept === `${username}-${look}`, `the name has to be typed again: ${JSON.stringify(kept)}`);
  expect((await page.locator('input[name=password]').inputValue()) === '', 'the page gives the password back');
  expect((await page.locator('[role=alert]:visible').count()) === 1, 'the failure is not explained');
  return answer;
}

/** Runs in the page; returns a sentence per fault. */
function faultsOfPage() {
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
async function expectVisibleFocus(page) {
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

/** Signing in is a plain form: a text browser, a strict visitor or a broken script must not keep anyone out. */
async function withoutJavaScript(run, { url, username, password }) {
  const visitor = await run.browser.visitor({ javaScriptEnabled: false });
  const page = (run.page = await visitor.newPage());
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  expect(origin(page.url()) !== origin(url), `no sign-in: the tool's own origin answered, at ${page.url()}`);
  await expectSignInForm(page);
  let answer;
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) answer = response;
  });
  await signIn(page, { username, password });
  const here = new URL(page.url());
  const ours = here.pathname.startsWith('/.drawbridge/');
  expect(here.origin === origin(url) && !ours, `signing in without JavaScript ended at ${here}`);
  expect(answer.ok(), `signed in without JavaScript, but the tool's page answered ${answer.status()}`);
  const screenshot = await run.screenshot('signed-in-without-javascript');
  await visitor.close();
  return { status: answer.status(), url: here.href, screenshot };
}
