// Passkeys in a real Chromium, kept by an authenticator of its own making that the DevTools protocol holds.
//
// Input: {"gate": by its name, "address": the same gate by its address, "names": {name: address}, "anna":
//   {"username", "password"}, and, without which it ends once anna has a passkey: "bert": as anna, "restarted": a file that is there once the engine was started again, "removed": one that is
//   there once the owner removed anna's second passkey, "axe", "caPem", "screenshotDir"}
// Screenshots: one of each page that asks for a passkey; failure.

import { readFile } from 'node:fs/promises';
import { expect, expectSignInForm, fileAppears, script, signInPatiently } from './lib.mjs';

await script(['gate', 'address', 'names', 'anna', 'axe'], async (input, run) => {
  const { gate, address, anna, bert } = input;
  const axe = await readFile(input.axe, 'utf8');
  const complaints = [];
  const visitor = async (options) => {
    const context = await run.browser.visitor(options);
    const page = (run.page = await context.newPage());
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) complaints.push(message.text());
    });
    return page;
  };
  /** A device that keeps these keys; `verifies` says whether it knows its holder now. */
  const device = async (page, credentials = [], verifies = true) => {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const options = {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: verifies,
      automaticPresenceSimulation: true,
    };
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
    for (const credential of credentials) await cdp.send('WebAuthn.addCredential', { authenticatorId, credential });
    return async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials;
  };
  const button = (page, name) => page.getByRole('button', { name, exact: true });
  /** Presses a button that sends a form; returns the answer to it. */
  const send = async (page, name) => {
    const posted = page.waitForResponse((it) => it.request().method() === 'POST' && it.request().isNavigationRequest());
    const [answer] = await Promise.all([posted, page.waitForEvent('domcontentloaded'), button(page, name).click()]);
    return answer;
  };
  const isAt = (page, path) => {
    const here = new URL(page.url());
    expect(here.origin + here.pathname === gate + path, `expected ${path}, is at ${page.url()}`);
  };
  const half = async (page, who, at = gate) => {
    await page.goto(`${at}/sign-in`);
    await expectSignInForm(page);
    await signInPatiently(page, who);
  };
  const factorPage = async (page) => {
    await page.goto(`${gate}/account/second-factor`);
    isAt(page, '/account/second-factor');
  };
  const look = async (page, name) => {
    run.page = page;
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run(document));
    const violations = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(' ')}`);
    expect(violations.length === 0, violations.join('; '));
    await run.screenshot(name, { fullPage: true });
  };
  const alone = async (page) => {
    await page.goto(`${gate}/sign-in`);
    return send(page, 'Sign in with a passkey');
  };
  const add = async (page, who, name) => {
    await page.locator('#password').fill(who.password);
    await page.locator('#name').fill(name);
    await send(page, 'Add a passkey');
    await look(page, 'new');
    await send(page, 'Make the passkey');
  };
  /** The last assertion's form, as it was sent. */
  const sent = (page) => page.waitForRequest((it) => it.method() === 'POST' && it.url().endsWith('/sign-in/passkey'));

  let kept;
  let older;
  let codes;
  let phone;

  await run.step('no passkey at an address', async () => {
    const page = await visitor();
    await half(page, anna, address);
    await page.goto(`${address}/account/second-factor`);
    expect((await page.getByText('Passkeys need an address with a name').count()) === 1, 'the reason is not said');
    expect((await button(page, 'Add a passkey').count()) === 0, 'one is offered all the same');
    expect((await page.locator('script').count()) === 0, 'the page has a script');
    await page.goto(address);
    expect((await page.getByText('Add a passkey').count()) === 0, 'the start page offers one');
    await page.context().close();
  });

  await run.step('add the first', async () => {
    const page = await visitor();
    const other = await visitor();
    await half(other, anna);
    const held = await device(page);
    await page.goto(`${gate}/sign-in`);
    expect((await page.locator('script').count()) === 0, 'nobody has a passkey yet, but the page has a script');
    await half(page, anna);
    await page.getByRole('link', { name: 'Add a passkey' }).click();
    await page.waitForURL(`${gate}/account/second-factor`);
    const policy = (await page.reload()).headers()['content-security-policy'];
    expect(!policy.includes('script-src'), `the page asks for none, but its policy is ${policy}`);
    await page.locator('#password').fill('not the password');
    expect((await send(page, 'Add a passkey')).status() === 403, 'a wrong password went through');
    await page.waitForTimeout(2100);
    await add(page, anna, 'laptop <b>of</b> mine');
    codes = await page.locator('.codes li').allTextContents();
    expect(codes.length === 10, `${codes.length} recovery codes are shown`);
    await factorPage(page);
    expect((await page.getByText('laptop <b>of</b> mine').count()) === 1, 'it is not listed');
    await look(page, 'factor');
    await other.goto(`${gate}/account`);
    isAt(other, '/sign-in');
    kept = await held();
    expect(kept.length === 1 && kept[0].rpId === new URL(gate).hostname, JSON.stringify(kept));
    await page.context().close();
    await other.context().close();
  });

  if (!bert) return;

  await run.step('beside the password', async () => {
    const page = await visitor();
    const held = await device(page, kept, false);
    await half(page, anna);
    isAt(page, '/second-factor');
    const policy = (await page.reload()).headers()['content-security-policy'];
    expect(/script-src 'sha256-[\w+/=]+';/.test(policy) && !policy.includes('unsafe'), policy);
    await look(page, 'second-factor');
    const answer = await send(page, 'Use a passkey');
    expect(answer.status() === 303, `answered ${answer.status()}`);
    isAt(page, '/');
    older = kept;
    kept = await held();
    expect(kept[0].signCount > older[0].signCount, 'this key does not count');
    await page.context().close();
  });

  await run.step('alone, after a restart', async () => {
    await fileAppears(input.restarted);
    const page = await visitor();
    const held = await device(page, kept);
    await page.goto(`${gate}/sign-in`);
    await look(page, 'sign-in');
    const form = sent(page);
    await alone(page);
    isAt(page, '/');
    kept = await held();
    // The very same answer again, from the same browser.
    const fields = [...new URLSearchParams((await form).postData())];
    expect(fields.length === 7, `the form has ${fields.length} fields`);
    const posted = page.waitForResponse((it) => it.request().method() === 'POST' && it.request().isNavigationRequest());
    await page.evaluate((fields) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: '/sign-in/passkey' });
      for (const [name, value] of fields) form.append(Object.assign(document.createElement('input'), { name, value }));
      document.body.append(form);
      form.submit();
    }, fields);
    const again = await posted;
    expect(again.status() === 403, `an answer shown twice was answered ${again.status()}`);
    await page.context().close();
  });

  await run.step('a key that knows nobody signs in nobody alone', async () => {
    const page = await visitor();
    await device(page, kept, false);
    await page.goto(`${gate}/sign-in`);
    // Browsers ask such a key for nothing; a page that forgets to ask for it gets an answer that is refused.
    await button(page, 'Sign in with a passkey').evaluate((it) => (it.dataset.holder = 'discouraged'));
    const answer = await send(page, 'Sign in with a passkey');
    expect(answer.status() === 403, `answered ${answer.status()}`);
    await page.waitForTimeout(2100);
    await page.context().close();
  });

  await run.step("another account's key and a copy are refused", async () => {
    const page = await visitor();
    const held = await device(page);
    await half(page, bert);
    await factorPage(page);
    await add(page, bert, '');
    const berts = await held();
    await page.context().close();

    // Whoever sits at an open browser knows no password: the challenge of another act adds nothing.
    const bystander = await visitor();
    await device(bystander, berts);
    await alone(bystander);
    await factorPage(bystander);
    const unasked = bystander.waitForResponse((it) => it.request().method() === 'POST');
    await bystander.evaluate(async () => {
      const { challenge, rp } = document.querySelector('button[data-challenge]').dataset;
      const publicKey = {
        challenge: bytes(challenge),
        rp: { id: rp, name: 'x' },
        user: { id: new Uint8Array(32), name: 'x', displayName: 'x' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      };
      const made = await navigator.credentials.create({ publicKey });
      const form = Object.assign(document.createElement('form'), { method: 'post', action: '/account/passkey' });
      document.body.append(form);
      fill(form, made);
      for (const [name, value] of [['name', 'x'], ['handle', text(new Uint8Array(32))]]) {
        form.append(Object.assign(document.createElement('input'), { name, value }));
      }
      form.submit();
    });
    expect((await unasked).status() === 403, `an unasked key was answered ${(await unasked).status()}`);
    await bystander.context().close();

    const thief = await visitor();
    await device(thief, berts);
    await half(thief, anna);
    await button(thief, 'Use a passkey').evaluate((it) => (it.dataset.known = ''));
    const answer = await send(thief, 'Use a passkey');
    expect(answer.status() === 403, `answered ${answer.status()}`);
    expect((await thief.getByRole('alert').first().textContent()).includes('not accepted'), 'it is not said');
    await thief.waitForTimeout(2100);
    await thief.context().close();

    const copy = await visitor();
    await device(copy, older);
    const copied = await alone(copy);
    expect(copied.status() === 403, `a counter that went back was answered ${copied.status()}`);
    await copy.waitForTimeout(2100);
    await copy.context().close();
  });

  await run.step('changes with it', async () => {
    const page = await visitor();
    const held = await device(page, kept);
    await alone(page);
    await factorPage(page);
    await page.locator('#password').fill(anna.password);
    await button(page, 'Use a passkey').click();
    await button(page, 'Passkey used: now choose below').waitFor();
    await send(page, 'Make new recovery codes');
    codes = await page.locator('.codes li').allTextContents();
    expect(codes.length === 10, `${codes.length} recovery codes are shown`);
    // A second key, on another device.
    kept = await held();
    await page.context().close();
    const second = await visitor();
    const device2 = await device(second);
    await half(second, anna);
    await second.locator('#code').fill(codes.shift());
    await send(second, 'Sign in');
    await factorPage(second);
    await second.locator('#code').fill(codes.shift());
    await add(second, anna, 'phone');
    isAt(second, '/account');
    phone = await device2();
    expect(phone.length === 1, 'there is one key more');
    await second.context().close();
  });

  await run.step('removed keys are refused', async () => {
    const owner = await visitor();
    await device(owner, phone);
    await alone(owner);
    isAt(owner, '/');
    await run.step('ready to be removed', async () => {});
    await fileAppears(input.removed);
    await owner.goto(`${gate}/account`);
    isAt(owner, '/sign-in');
    const answer = await send(owner, 'Sign in with a passkey');
    expect(answer.status() === 403, `a removed key was answered ${answer.status()}`);
    await owner.context().close();

    const page = await visitor();
    const held = await device(page, kept);
    await alone(page);
    isAt(page, '/');
    await factorPage(page);
    await page.locator('#password').fill(anna.password);
    await page.locator('#code').fill(codes.shift());
    await send(page, 'Remove the passkey laptop <b>of</b> mine');
    isAt(page, '/account');
    expect((await page.getByText('Off. Your password alone signs you in.').count()) === 1, 'the last one is not gone');
    kept = await held();
    await page.goto(`${gate}/account/second-factor`);
    await page.context().close();
    const later = await visitor();
    await device(later, kept);
    const last = await alone(later);
    expect(last.status() === 403, `the last removed key was answered ${last.status()}`);
    await later.context().close();
  });

  await run.step('without JavaScript', async () => {
    const page = await visitor({ javaScriptEnabled: false });
    await page.goto(`${gate}/sign-in`);
    expect(!(await page.locator('button[data-challenge]').isVisible()), 'a button that does nothing is shown');
    await half(page, anna);
    isAt(page, '/');
    await page.context().close();
  });

  expect(complaints.length === 0, `the pages complain: ${complaints.join('; ')}`);
});
