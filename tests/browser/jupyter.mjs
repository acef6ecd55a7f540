// A visitor signs in, computes in a real JupyterLab, and keeps computing on the same WebSocket after something was swapped.
//
// Input: {"url", "username", "password", "screenshotDir"} and, as needed,
//   "caPem"                 the authority to trust (else the certificate must be good by itself)
//   "tryWrongPassword"      a file: first see that a wrong one is refused and opens nothing, then wait until this file exists
//   "waitFile"              print the step "ready-for-swap", wait until this file exists, then compute again
//   "untilEnded"            true: print the step "ready-to-end", see the WebSocket closed and no other one opened
//   "ignoreHTTPSErrors", "deadlineMs"
// Screenshots: sign-in, refused, lab, notebook, after-swap, ended; failure.

import { Broken, expect, expectSignInForm, fileAppears, origin, script, signIn, signInPatiently } from './lib.mjs';

const KERNEL = /\/api\/kernels\/[^/]+\/channels(\?|$)/;
/** How a cell's result reaches the page. */
const RESULT = '.jp-OutputArea-executeResult .jp-OutputArea-output';

await script(['url', 'username', 'password'], async (input, run) => {
  const visitor = await run.browser.visitor();
  const page = (run.page = await visitor.newPage());
  const kernels = watchKernels(page);
  const tool = origin(input.url);

  await run.step('arrive-at-sign-in', () => arriveAtSignIn(run, input.url));
  if (input.tryWrongPassword) {
    await run.step('wrong-password-refused', () => tryWrongPassword(run, input));
    await run.step('let-go-on', () => fileAppears(input.tryWrongPassword));
  }
  await run.step('sign-in', async () => {
    await signInPatiently(page, input);
    const refusal = page.locator('[role=alert]');
    if (origin(page.url()) !== tool && (await refusal.count()) > 0) {
      throw new Broken(`the sign-in was refused: ${await refusal.first().innerText()}`);
    }
    await page.waitForURL((url) => url.origin === tool && !url.pathname.startsWith('/.drawbridge/'), { waitUntil: 'commit' });
  });
  await run.step('lab-loads', async () => {
    await page.locator('#jp-main-dock-panel').waitFor();
    await page.locator('#jupyterlab-splash').waitFor({ state: 'detached' });
    return { url: page.url(), screenshot: await run.screenshot('lab') };
  });
  await run.step('open-notebook', () => openNotebook(page));
  await run.step('compute', async () => {
    await compute(page, '6*7', '42');
    return { screenshot: await run.screenshot('notebook') };
  });

  if (input.untilEnded) return untilEnded(run, input, kernels);
  if (input.waitFile === undefined) return;
  const before = { kernel: kernels.thatCarried('6*7'), loads: kernels.loads() };
  await run.step('ready-for-swap', () => ({ kernel: new URL(before.kernel.url()).pathname }));
  await run.step('swapped', () => fileAppears(input.waitFile, () => kernels.expectSame(before)));
  await run.step('compute-after-swap', async () => {
    await Promise.race([compute(page, '7*6+1', '43'), kernels.untilLost(before)]);
    kernels.expectSame(before);
    expect(kernels.thatCarried('7*6+1') === before.kernel, 'the kernel WebSocket was replaced');
    return { screenshot: await run.screenshot('after-swap') };
  });
});

/** Somebody ends the session meanwhile. JupyterLab tries to connect again by itself, and must not get through. */
async function untilEnded(run, { url }, kernels) {
  const { page } = run;
  const kernel = kernels.thatCarried('6*7');
  await run.step('ready-to-end', () => ({ kernel: new URL(kernel.url()).pathname }));
  await run.step('kernel-connection-closed', () => kernel.isClosed() || kernel.waitForEvent('close').then(() => {}));
  await run.step('no-other-connection', async () => {
    const again = await page.waitForEvent('websocket', (socket) => KERNEL.test(socket.url()));
    if (!again.isClosed()) await Promise.race([again.waitForEvent('socketerror'), again.waitForEvent('close')]);
    expect(kernels.onlyHeard(kernel), 'another kernel WebSocket spoke after the session had ended');
    return { screenshot: await run.screenshot('ended') };
  });
  await run.step('sign-in-again', async () => {
    await page.goto(url, { waitUntil: 'domcontentloaded' });
    expect(origin(page.url()) !== origin(url), 'the tool answered after the session had ended');
    await expectSignInForm(page);
  });
}

async function arriveAtSignIn(run, url) {
  const answer = await run.page.goto(url, { waitUntil: 'domcontentloaded' });
  expect(origin(run.page.url()) !== origin(url), `no sign-in: the tool's own origin answered with ${answer.status()}`);
  await expectSignInForm(run.page);
  return { gate: origin(run.page.url()), screenshot: await run.screenshot('sign-in') };
}

/** A wrong password gets an explanation, and the tool stays closed to this very browser. */
async function tryWrongPassword(run, { url, username }) {
  const { page } = run;
  await signIn(page, { username, password: `not the password ${Date.now()}` });
  expect(origin(page.url()) !== origin(url), `a wrong password opened ${page.url()}`);
  const alert = page.locator('[role=alert]:visible');
  expect((await alert.count()) > 0, 'a wrong password was not explained: no visible [role=alert]');
  const words = (await alert.first().innerText()).trim();
  expect(words !== '', 'the explanation of a wrong password is empty');
  const screenshot = await run.screenshot('refused');
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  expect(origin(page.url()) !== origin(url), 'after a wrong password the tool answered');
  await expectSignInForm(page);
  return { words, screenshot };
}

/**
 * Through the launcher, as a person does. The notebook's own indicator says idle before there is a kernel, and a cell run
 * in that moment is dropped or makes JupyterLab start a second session; the status bar names kernel and state together.
 */
async function openNotebook(page) {
  await page.locator('.jp-LauncherCard[data-category=Notebook]', { hasText: 'Python 3' }).click();
  await page.locator('.jp-NotebookPanel .jp-Notebook .jp-Cell .cm-content').first().waitFor();
  await page.locator('#jp-main-statusbar').getByText(/^Python 3 .*\| Idle$/).waitFor();
}

/** Types into the selected cell, Shift+Enter, and waits for its result; the cell below is selected then. */
async function compute(page, source, expected) {
  const results = page.locator(`.jp-NotebookPanel ${RESULT}`);
  const known = await results.count();
  const editor = page.locator('.jp-NotebookPanel .jp-Cell.jp-mod-active .cm-content');
  await editor.click();
  await editor.pressSequentially(source);
  await editor.press('Shift+Enter');
  const result = results.nth(known);
  await result.waitFor();
  const found = (await result.innerText()).trim();
  expect(found === expected, `${source} gave ${JSON.stringify(found)}, expected ${expected}`);
}

/** Notes every kernel WebSocket of the page, what it sent, and every load of a document. */
function watchKernels(page) {
  const sent = new Map();
  const heard = new Set();
  let loads = 0;
  let lost = () => {};
  page.on('websocket', (socket) => {
    if (!KERNEL.test(socket.url())) return;
    const frames = [];
    sent.set(socket, frames);
    socket.on('framereceived', () => heard.add(socket));
    socket.on('framesent', ({ payload }) => frames.push(Buffer.from(payload).toString('latin1')));
    socket.on('close', () => lost());
  });
  page.on('domcontentloaded', () => {
    loads += 1;
    lost();
  });

  /** JupyterLab reconnects without a word, so the result alone would not show a dropped WebSocket. */
  const expectSame = (before) => {
    expect(!before.kernel.isClosed(), 'the kernel WebSocket was closed');
    expect(loads === before.loads, 'the page was loaded again');
  };

  return {
    expectSame,
    loads: () => loads,
    /** Whether no frame came over any other WebSocket. */
    onlyHeard: (socket) => [...heard].every((known) => known === socket),

    /** The WebSocket over which this source went to the kernel. */
    thatCarried(source) {
      const found = [...sent].filter(([, frames]) => frames.some((frame) => frame.includes(`"${source}"`)));
      expect(found.length === 1, `${source} went over ${found.length} WebSockets of ${sent.size}, expected one`);
      return found[0][0];
    },

    /** Never resolves; rejects as soon as it is no longer the same. */
    untilLost(before) {
      return new Promise((_, reject) => {
        lost = () => {
          try {
            expectSame(before);
          } catch (error) {
            reject(error);
          }
        };
        lost();
      });
    },
  };
}
