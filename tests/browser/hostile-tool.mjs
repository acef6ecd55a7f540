// A hostile tool: its pages and its service worker try to reach the account, the home page, the sign-in and the hand-off.
//
// Input: {"url", "gate", "username", "password", "screenshotDir"} and, as needed, "flags" of Chromium, "caPem". `url` is the tool's
// share URL; `/page` is its page, `/sw.js` its worker, which keeps the queries of the hand-off, and what it got for them, instead of
// letting the browser through. The last step's line has them as `kept`.

import { expect, origin, script, signIn } from './lib.mjs';

await script(['url', 'gate', 'username', 'password'], async (input, run) => {
  const { gate } = input;
  const visitor = await run.browser.visitor();
  const page = (run.page = await visitor.newPage());
  /** Whether the sign-in at the gate still stands. */
  const isSignedIn = async () => {
    const probe = await visitor.newPage();
    await probe.goto(`${gate}/account`);
    const { pathname } = new URL(probe.url());
    await probe.close();
    return pathname === '/account';
  };

  await run.step('sign-in', async () => {
    await page.goto(`${input.url}/page`, { waitUntil: 'domcontentloaded' });
    await signIn(page, input);
    expect(origin(page.url()) === origin(input.url), `signing in led to ${page.url()}`);
    const cookies = await page.evaluate(() => document.cookie);
    expect(cookies === '', `the tool's page reads ${cookies}`);
    expect(await isSignedIn(), 'no sign-in to begin with');
  });

  await run.step('reads', async () => {
    const read = await page.evaluate(async (gate) => {
      const found = [];
      for (const path of ['/', '/account', '/account/token', '/sign-in', '/approval']) {
        for (const credentials of ['include', 'omit']) {
          await fetch(gate + path, { credentials }).then((answer) => found.push(`${path} ${answer.status}`), () => {});
          const opaque = await fetch(gate + path, { credentials, mode: 'no-cors' }).catch(() => null);
          if (opaque && opaque.type !== 'opaque') found.push(`${path} ${opaque.type}`);
        }
      }
      const frame = document.createElement('iframe');
      const loaded = new Promise((done) => (frame.onload = done));
      frame.src = `${gate}/account`;
      document.body.append(frame);
      await loaded;
      try {
        if (frame.contentDocument?.body?.textContent) found.push('the frame');
      } catch {
        // Another origin, as it should be.
      }
      return found;
    }, gate);
    expect(read.length === 0, `the tool's page read ${read.join(', ')}`);
    const shown = page.frames().filter((frame) => frame.url().startsWith(gate));
    for (const frame of shown) {
      const text = await frame.evaluate(() => document.body?.textContent ?? '').catch(() => '');
      expect(!text.includes('Your account'), 'the account stands in a frame of the tool');
    }
  });

  await run.step('writes', async () => {
    await page.evaluate(async (gate) => {
      const forms = [
        ['/sign-out', ''],
        ['/account/session/end-others', ''],
        ['/account/token', 'name=stolen&password=x'],
        ['/account/password', 'password=x&new=another+long+password'],
        ['/account/second-factor/begin', 'password=x'],
        ['/sign-in', 'username=mallory&password=mallory+has+a+long+password'],
        ['/invite', 'code=x&new=another+long+password'],
        ['/.drawbridge/api/auth/logout', '{}'],
      ];
      for (const [path, body] of forms) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' };
        await fetch(gate + path, { method: 'POST', credentials: 'include', mode: 'no-cors', headers, body }).catch(() => {});
        await fetch(gate + path, { method: 'POST', credentials: 'include', headers, body }).catch(() => {});
        navigator.sendBeacon(gate + path, new Blob([body], { type: 'text/plain' }));
      }
    }, gate);
    expect(await isSignedIn(), 'the tool signed its visitor out');
  });

  await run.step('login-csrf', async () => {
    const other = await visitor.newPage();
    await other.goto(`${input.url}/page`, { waitUntil: 'domcontentloaded' });
    const answered = other.waitForResponse((it) => it.request().method() === 'POST' && it.url().startsWith(gate));
    await other.evaluate((gate) => {
      document.body.innerHTML = `<form method="post" action="${gate}/sign-in"><input name="username" value="mallory"><input name="password" value="mallory has a long password"></form>`;
      document.forms[0].submit();
    }, gate);
    const answer = await answered;
    expect(answer.status() === 403, `another site's sign-in form was answered ${answer.status()}`);
    await other.close();
    const start = await visitor.newPage();
    await start.goto(`${gate}/`);
    const home = await start.evaluate(() => document.body.textContent);
    await start.close();
    expect(home.includes(input.username) && !home.includes('mallory'), 'the visitor is signed in as somebody else');
  });

  await run.step('window', async () => {
    const [popup] = await Promise.all([
      visitor.waitForEvent('page'),
      page.evaluate((gate) => {
        window.account = window.open(`${gate}/account`);
      }, gate),
    ]);
    await popup.waitForLoadState();
    const handle = await page.evaluate(() => {
      try {
        return window.account.closed || window.account.location.href;
      } catch {
        return 'refused';
      }
    });
    expect(handle === true || handle === 'refused', `the tool's page holds the gate's window: ${handle}`);
    expect((await popup.evaluate(() => window.opener)) === null, 'the gate knows who opened it');
    await popup.close();
  });

  await run.step('worker', async () => {
    await page.goto(`${input.url}/page`);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('/sw.js', { scope: '/' });
      await navigator.serviceWorker.ready;
    });
    // Signed in at the gate, but not here any more: the next visit is handed over again, past the worker.
    const door = (await visitor.cookies(input.url)).filter((cookie) => !cookie.name.includes('begin'));
    const port = new URL(input.url).port;
    for (const { name } of door.filter((cookie) => cookie.name.endsWith(port))) {
      await visitor.clearCookies({ name });
    }
    await page.goto(`${input.url}/again`);
    const text = await page.evaluate(() => document.body.textContent);
    expect(text === 'mine', `the worker was passed by: ${page.url()} says ${text}`);
    const kept = await page.evaluate(async () => {
      const store = await caches.open('kept');
      const all = await Promise.all((await store.keys()).map((key) => store.match(key)));
      return Promise.all(all.map((one) => one.json()));
    });
    expect(await isSignedIn(), 'the worker ended the sign-in');
    return { kept };
  });
  await visitor.close();
});
