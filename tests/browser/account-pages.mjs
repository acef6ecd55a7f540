// The pages of second factors and accounts, in every light and width, and for everybody.
//
// Input: {"gate", "axe", "invite": an open one's link, "pass": a waiting one's, "closed": one of a closed tool, "anna": {"username", "password", "codes": […]}, "bert": {"username", "password"}, "caPem",
//   "screenshotDir"}
//   anna has a second factor and these recovery codes, bert has none; axe is the path of axe-core.
// Screenshots: NAME-light-wide, NAME-dark-wide, NAME-light-narrow, NAME-dark-narrow; failure.
//
// Besides what `looks.mjs` checks, axe finds nothing; narrow is 320 pixels here.

import { readFile } from 'node:fs/promises';
import { expect, expectSignInForm, script, signIn } from './lib.mjs';
import { LOOKS, expectVisibleFocus, faultsOfPage } from './looks.mjs';

const NARROWEST = { width: 320, height: 640 };

await script(['gate', 'axe', 'invite', 'pass', 'closed', 'anna', 'bert'], async (input, run) => {
  const { gate, anna, bert } = input;
  const axe = await readFile(input.axe, 'utf8');
  const codes = [...anna.codes];
  const signed = {};
  const button = (page, text) => page.getByRole('button', { name: text, exact: true });
  const press = (page, text) => Promise.all([page.waitForEvent('domcontentloaded'), button(page, text).click()]);
  /** Fills and sends as long as the account has to wait. */
  const send = async (page, fields, text) => {
    for (;;) {
      for (const [name, value] of Object.entries(fields)) await page.locator(`input[name=${name}]`).fill(value);
      const answered = page.waitForResponse((it) => it.request().method() === 'POST' && it.request().isNavigationRequest());
      const [answer] = await Promise.all([answered, press(page, text)]);
      if (answer.status() !== 429) return answer;
      await page.waitForTimeout(1000 * Number(answer.headers()['retry-after']));
    }
  };
  const half = async (page) => {
    await page.goto(`${gate}/sign-in`);
    await expectSignInForm(page);
    await signIn(page, anna);
    expect(new URL(page.url()).pathname === '/second-factor', `the password led to ${page.url()}`);
  };
  /** A browser that was signed in before stays so. */
  const as = async (who, options) => {
    const visitor = await run.browser.visitor({ ...options, storageState: signed[who.username] });
    const page = (run.page = await visitor.newPage());
    if (signed[who.username]) return page;
    if (who === anna) {
      await half(page);
      await send(page, { code: codes.shift() }, 'Sign in');
    } else {
      await page.goto(`${gate}/sign-in`);
      await signIn(page, who);
    }
    expect(new URL(page.url()).pathname === '/', `signing in led to ${page.url()}`);
    signed[who.username] = await visitor.storageState();
    return page;
  };
  const stranger = async (options) => (run.page = await (await run.browser.visitor(options)).newPage());
  const setUp = async (options) => {
    const page = await as(bert, options);
    await page.goto(`${gate}/account/second-factor`);
    await send(page, { password: bert.password }, 'Set up a second factor');
    return page;
  };

  const invited = async (options) => {
    const page = await stranger(options);
    await page.goto(input.invite);
    return page;
  };

  const pages = {
    invite: invited,
    'invite-weak': async (options) => {
      const page = await invited(options);
      const answer = await send(page, { new: 'password' }, 'Set password and go on');
      expect(answer.status() === 400, `a common password was answered ${answer.status()}`);
      return page;
    },
    'invite-over': async (options) => {
      const page = await stranger(options);
      const answer = await page.goto(`${gate}/invite?code=${'x'.repeat(43)}`);
      expect(answer.status() === 403, `a wrong code was answered ${answer.status()}`);
      return page;
    },
    pass: async (options) => {
      const page = await stranger(options);
      await page.goto(input.pass);
      return page;
    },
    'pass-without-cookie': async (options) => {
      const page = await stranger(options);
      await page.goto(input.pass);
      await page.context().clearCookies();
      const answer = await send(page, {}, 'Open it in this browser');
      expect(answer.status() === 400, `a browser without its mark was answered ${answer.status()}`);
      return page;
    },
    'pass-closed': async (options) => {
      const page = await stranger(options);
      await page.goto(input.closed);
      return page;
    },
    'pass-over': async (options) => {
      const page = await stranger(options);
      const answer = await page.goto(`${gate}/pass?code=${'x'.repeat(43)}`);
      expect(answer.status() === 403, `a wrong code was answered ${answer.status()}`);
      return page;
    },
    'pass-new': async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/pass`);
      return page;
    },
    'pass-made': async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/pass`);
      await page.getByLabel('The guest may only look').check();
      await send(page, { name: 'the <b>plumber</b>' }, 'Make the link');
      const link = await page.locator('.code').textContent();
      expect(link.startsWith(`${gate}/pass?code=`), `the link is ${link}`);
      return page;
    },
    'second-factor': async (options) => {
      const page = await stranger(options);
      await half(page);
      return page;
    },
    'second-factor-recovery': async (options) => {
      const page = await stranger(options);
      await half(page);
      await page.getByRole('link', { name: 'Use a recovery code instead' }).click();
      await page.waitForURL(/recovery/);
      return page;
    },
    'second-factor-wrong': async (options) => {
      const page = await stranger(options);
      await half(page);
      const answer = await send(page, { code: '000000' }, 'Sign in');
      expect(answer.status() === 403, `a wrong code was answered ${answer.status()}`);
      return page;
    },
    'account-without': async (options) => {
      // Other browsers of the same person, one of which says something strange about itself.
      for (const userAgent of ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1', `<b>${'x'.repeat(150)}`]) {
        if (signed[bert.username]) break;
        await signIn(await stranger({ userAgent }).then(async (page) => (await page.goto(`${gate}/sign-in`), page)), bert);
      }
      const page = await as(bert, options);
      await page.goto(`${gate}/account`);
      return page;
    },
    password: async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/password`);
      return page;
    },
    'password-bad': async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/password`);
      await page.locator('#new').evaluate((field) => field.removeAttribute('minlength'));
      const answer = await send(page, { password: bert.password, new: 'short' }, 'Change password');
      expect(answer.status() === 400, `a short password was answered ${answer.status()}`);
      return page;
    },
    token: async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/token`);
      return page;
    },
    'token-made': async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/token`);
      await page.selectOption('#days', '30');
      await send(page, { name: 'backup <b>on</b> the NAS', password: bert.password }, 'Make it');
      const made = await page.locator('.code').textContent();
      expect(/^drawbridge_[\w-]{43}$/.test(made), `the token is ${made}`);
      return page;
    },
    'account-with-tokens': async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account`);
      expect((await page.getByText('backup <b>on</b> the NAS').count()) > 0, 'the token is not listed');
      expect((await page.getByText('ends within \u206830\u2069 days').count()) + (await page.getByText('ends within 30 days').count()) > 0, 'its end is not told');
      return page;
    },
    'factor-off': async (options) => {
      const page = await as(bert, options);
      await page.goto(`${gate}/account/second-factor`);
      return page;
    },
    app: async (options) => {
      const page = await setUp(options);
      const box = await page.locator('svg.qr').boundingBox();
      expect(box.width >= 200 && Math.abs(box.width - box.height) < 1, `the QR code is ${box.width} by ${box.height}`);
      return page;
    },
    'app-wrong': async (options) => {
      const page = await setUp(options);
      await send(page, { code: '000000' }, 'Turn it on');
      return page;
    },
    account: async (options) => {
      const page = await as(anna, options);
      await page.goto(`${gate}/account`);
      return page;
    },
    'factor-on': async (options) => {
      const page = await as(anna, options);
      await page.goto(`${gate}/account/second-factor`);
      return page;
    },
    'recovery-codes': async (options) => {
      const page = await as(anna, options);
      await page.goto(`${gate}/account/second-factor`);
      await send(page, { password: anna.password, code: codes.shift() }, 'Make new recovery codes');
      const shown = await page.locator('.codes li').allTextContents();
      expect(shown.length === 10, `${shown.length} codes are shown`);
      codes.splice(0, codes.length, ...shown);
      return page;
    },
  };
  for (const [name, open] of Object.entries(pages)) {
    for (const { look, ...options } of LOOKS) {
      if (options.isMobile) options.viewport = NARROWEST;
      await run.step(`${name} ${look}`, () => examine(run, axe, name, look, options, open));
    }
  }
});

async function examine(run, axe, name, look, options, open) {
  const page = await open(options);
  await page.evaluate(() => window.stop());
  const screenshot = await run.screenshot(`${name}-${look}`, { fullPage: true });
  const faults = await page.evaluate(faultsOfPage);
  expect(faults.length === 0, faults.join('; '));
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document));
  expect(found.passes.length > 5, `axe looked at ${found.passes.length} things`);
  const violations = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(' ')}`);
  expect(violations.length === 0, violations.join('; '));
  const stops = options.isMobile ? undefined : await expectVisibleFocus(page);
  await page.context().close();
  return { stops, screenshot };
}
