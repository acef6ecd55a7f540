// Pictures of what visitors see, in every light and width, and the basics that make these pages usable by everybody.
//
// Input: {"pages": [{"name": "sign-in", "url": "https://…", "status": 200}, …], "screenshotDir"} and, as needed,
//   "status" of a page      what it must answer with after redirects; not looked at without
//   "as" of a page          {"username", "password", "each"}: signs in where the page asks for it, then opens the page again;
//                           with "each" the look is added to the name
//   "attempt" of a page     {"username", "password", "times"}: sends the sign-in form with this that often and looks at what
//                           comes back; the look is added to the name, so that no look waits for another's failures
//   "signIn"                {"url", "username", "password"}: a tool's share URL; signs in with JavaScript disabled
//   "caPem", "ignoreHTTPSErrors", "deadlineMs"
// Screenshots: NAME-light-wide, NAME-dark-wide, NAME-light-narrow, NAME-dark-narrow; signed-in-without-javascript; failure.
//
// Per look it checks title, language, names of inputs, buttons, links and pictures, and that the keyboard's place can be
// seen; when narrow also that nothing scrolls sideways. It does not measure contrast: look at the pictures.

import { expect, expectSignInForm, origin, script, signIn } from './lib.mjs';
import { LOOKS, expectVisibleFocus, faultsOfPage } from './looks.mjs';

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
    await signIn(page, { ...as, username: as.each ? `${as.username}-${look}` : as.username });
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
