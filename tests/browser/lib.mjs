// A real Chromium for the tests, and the steps they take in it.
//
// A script here is started by a Rust test with one JSON object, as its first argument or, where it holds a password, in
// the environment variable DRAWBRIDGE_BROWSER_INPUT. It prints one JSON line per step on stdout
// ({"step":"…","ok":true,"ms":12,…}) and exits 0; at the first step that fails it prints {"step":"…","ok":false,
// "error":"…","screenshot":"…"}, says the same on stderr and exits 1. Exit 2 means that it was started wrongly.
//
// Needs: the packages chromium and libnss3-tools, and playwright-core in $DRAWBRIDGE_PARTS/node.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';

/** How long one action in the page may take, in milliseconds. Chosen: JupyterLab loads in 3 s alone on two cores, much slower beside a compiler. */
export const ACTION_MS = 60_000;
/** How long a whole script may take, in milliseconds, unless its input says `deadlineMs`. Chosen: ten times the usual. */
const SCRIPT_MS = 240_000;
/** How often a sign-in is tried that is told to wait. */
const PATIENCE = 5;
/** How often a file that another process makes is looked for, in milliseconds. */
const POLL_MS = 20;

export const WIDE = { width: 1280, height: 800 };
/** The narrowest phone we promise to fit. */
export const NARROW = { width: 360, height: 740 };

const FLAGS = [
  '--headless',
  '--no-sandbox', // the tests may run as root, where Chromium refuses to start with it
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A promise of a test that did not hold; its message is for a person. */
export class Broken extends Error {}

/** Throws [`Broken`] unless `held`. */
export function expect(held, message) {
  if (!held) throw new Broken(message);
}

/** Runs a script: `body(input, run)` with the input checked for the `required` keys; never returns. */
export async function script(required, body) {
  const input = readInput(required);
  const screenshots = resolve(input.screenshotDir);
  await mkdir(screenshots, { recursive: true });
  const run = new Run(screenshots);
  const deadline = input.deadlineMs ?? SCRIPT_MS;
  const timer = setTimeout(() => run.fail(new Broken(`not finished after ${deadline} ms`)), deadline);
  process.on('unhandledRejection', (error) => run.fail(error));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => run.fail(new Broken(`stopped by ${signal}`)));
  try {
    run.browser = await Browser.start(input);
    await body(input, run);
  } catch (error) {
    // Also where the deadline struck first and took the browser away: its failure counts, and this waits for its exit.
    await run.fail(error);
  }
  clearTimeout(timer);
  await run.close();
  process.exit(0);
}

/** The steps of one script, the page they are about, and what to clean up. */
class Run {
  browser = null;
  /** The page a failure takes a picture of. */
  page = null;
  #screenshots;
  #step = 'start the browser';
  #failure = null;

  constructor(screenshots) {
    this.#screenshots = screenshots;
  }

  /** Runs one step and prints its line; what `body` returns, an object or nothing, is printed with it. */
  async step(name, body) {
    this.#step = name;
    const start = performance.now();
    const more = await body();
    // A line printed after the deadline has struck would contradict the failure.
    if (!this.#failure) line({ step: name, ok: true, ms: Math.round(performance.now() - start), ...more });
  }

  /** Takes a picture of the page and returns its path. */
  async screenshot(name, options = {}) {
    const path = join(this.#screenshots, `${name}.png`);
    await this.page.screenshot({ path, ...options });
    return path;
  }

  /** Prints what went wrong and exits 1; the first failure is the one that is told. */
  fail(error) {
    return (this.#failure ??= this.#end(error));
  }

  async #end(error) {
    const message = stripVTControlCharacters(String(error?.message ?? error)).trim();
    const told = error instanceof Broken ? message : `${message} (at ${where(error)})`;
    const failure = { step: this.#step, ok: false, error: told, url: this.page?.url() };
    failure.screenshot = await this.screenshot('failure', { timeout: 5_000 }).catch(() => undefined);
    line(failure);
    process.stderr.write(`failed at "${this.#step}": ${told}\n`);
    if (failure.url) process.stderr.write(`  page: ${failure.url}\n`);
    if (failure.screenshot) process.stderr.write(`  screenshot: ${failure.screenshot}\n`);
    await this.close();
    process.exit(1);
  }

  async close() {
    await this.browser?.close().catch(() => {});
  }
}

/** Chromium with a private HOME, which is also where a certificate authority is trusted for this one run. */
class Browser {
  #chromium;
  #home;

  /** `names` are host names with the addresses they lead to, `flags` more arguments. */
  static async start({ caPem, ignoreHTTPSErrors = false, flags = [], names = {} }) {
    const parts = process.env.DRAWBRIDGE_PARTS;
    const { chromium } = await import(pathToFileURL(join(parts, 'node/node_modules/playwright-core/index.mjs')));
    const browser = new Browser();
    browser.#home = await mkdtemp(join(tmpdir(), 'chromium-'));
    // Playwright makes a new profile there; so one folder holds everything.
    process.env.TMPDIR = browser.#home;
    const rules = Object.entries(names).map(([name, address]) => `MAP ${name} ${address}`).join(',');
    browser.ignoreHTTPSErrors = ignoreHTTPSErrors;
    try {
      if (caPem) await trust(browser.#home, resolve(caPem));
      browser.#chromium = await chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: [...FLAGS, ...flags, `--host-resolver-rules=${rules}`],
        // Nothing else of ours: without D-Bus, for one, it cannot ask a desktop's keyring.
        env: { PATH: process.env.PATH, LANG: 'C.UTF-8', HOME: browser.#home, TMPDIR: browser.#home },
        timeout: ACTION_MS,
      });
    } catch (error) {
      await browser.close();
      throw error;
    }
    return browser;
  }

  get version() {
    return this.#chromium.version();
  }

  /** A visitor who was never here: own cookies, own storage. `options` are those of Playwright's `newContext`. */
  async visitor(options = {}) {
    const context = await this.#chromium.newContext({
      colorScheme: 'light',
      viewport: WIDE,
      locale: 'en-GB',
      ignoreHTTPSErrors: this.ignoreHTTPSErrors,
      ...options,
    });
    context.setDefaultTimeout(ACTION_MS);
    return context;
  }

  async close() {
    await this.#chromium?.close();
    await rm(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Headless Chromium on Linux trusts what the NSS database in its HOME trusts, and nothing else is touched. */
async function trust(home, caPem) {
  const database = join(home, '.pki/nssdb');
  await mkdir(database, { recursive: true });
  const certutil = async (...args) => {
    await promisify(execFile)('certutil', ['-d', `sql:${database}`, ...args]).catch((error) => {
      if (error.code === 'ENOENT') throw new Broken('certutil is missing; it is in the package libnss3-tools');
      throw new Broken(`cannot trust ${caPem}: ${error.stderr.trim()}`);
    });
  };
  await certutil('-N', '--empty-password');
  await certutil('-A', '-t', 'C,,', '-n', 'authority of the test', '-i', caPem);
}

/** Waits until another process has made a file; `meanwhile` is asked again and again and may throw. */
export async function fileAppears(path, meanwhile = () => {}) {
  for (;;) {
    meanwhile();
    if (await stat(path).then(() => true, () => false)) return;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

/** Fills the sign-in form and sends it; returns the answer to the form once the browser has arrived somewhere. */
export async function signIn(page, { username, password }) {
  await page.locator('input[name=username]').fill(username);
  await page.locator('input[name=password]').fill(password);
  // Not the address: a refused form comes back under the same one.
  const arrival = page.waitForEvent('domcontentloaded').catch(() => {
    throw new Broken('sending the sign-in form led nowhere');
  });
  const answered = page.waitForResponse((response) => {
    const request = response.request();
    return request.method() === 'POST' && request.isNavigationRequest();
  });
  const [answer] = await Promise.all([answered, arrival, submitButton(page).click()]);
  return answer;
}

/** The same; as long as the account must wait after a failure, waits as long as it is told and tries again. */
export async function signInPatiently(page, credential) {
  for (let left = PATIENCE; ; left -= 1) {
    const answer = await signIn(page, credential);
    if (answer.status() !== 429) return answer;
    const seconds = Number(answer.headers()['retry-after']);
    expect(seconds >= 1 && seconds <= 60, `told to wait ${answer.headers()['retry-after']} seconds`);
    expect(left > 0, `still told to wait after ${PATIENCE} tries`);
    await page.waitForTimeout(seconds * 1000);
  }
}

/** Throws unless the page is a sign-in form as the scripts and password managers know it. */
export async function expectSignInForm(page) {
  for (const name of ['username', 'password']) {
    const inputs = await page.locator(`input[name=${name}]:visible`).count();
    expect(inputs === 1, `expected one visible input[name=${name}], found ${inputs}, at ${page.url()}`);
  }
  const buttons = await submitButton(page).count();
  expect(buttons === 1, `expected one submit button beside the password, found ${buttons}, at ${page.url()}`);
}

function submitButton(page) {
  const form = page.locator('form', { has: page.locator('input[name=password]') });
  return form.locator('button:not([type]):visible, button[type=submit]:visible, input[type=submit]:visible');
}

export function origin(url) {
  return new URL(url).origin;
}

function readInput(required) {
  try {
    const input = JSON.parse(process.argv[2] ?? process.env.DRAWBRIDGE_BROWSER_INPUT ?? '{}');
    const missing = ['screenshotDir', ...required].filter((key) => input[key] === undefined);
    if (missing.length > 0) throw new Error(`the input lacks ${missing.join(', ')}`);
    if (!process.env.DRAWBRIDGE_PARTS) throw new Error('DRAWBRIDGE_PARTS is not set');
    return input;
  } catch (error) {
    process.stderr.write(`started wrongly: ${error.message}\n`);
    process.exit(2);
  }
}

/** The first place of ours in a stack. */
function where(error) {
  const ours = /tests\/browser\/([\w-]+\.mjs:\d+)/;
  return ours.exec(error?.stack ?? '')?.[1] ?? 'the browser';
}

function line(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
