// A guest opens a pass in a real browser, uses its tool, and is out once it is revoked; another browser has nothing of it.
//
// Input: {"pass": the link, "tool": its door, "caPem", "screenshotDir"}. The pass is revoked after the step `streaming`; the tool
// streams without end at /stream.

import { expect, script } from './lib.mjs';

await script(['pass', 'tool'], async (input, run) => {
  const visit = async () => (run.page = await (await run.browser.visitor()).newPage());
  const asksForPassword = async (page) => (await page.locator('input[type=password]').count()) === 1;
  const guest = await visit();

  await run.step('opened', async () => {
    await guest.goto(input.pass);
    await guest.getByRole('button', { name: 'Open it in this browser' }).click();
    await guest.waitForURL(`${input.tool}/`);
    expect((await guest.textContent('h1')) === 'A plan', 'the tool is not shown');
  });

  await run.step('again', async () => {
    await guest.goto(input.pass);
    expect(guest.url() === `${input.tool}/`, `the link led to ${guest.url()}`);
    const ours = await guest.context().cookies();
    const names = ours.map((it) => it.name).join(' ');
    expect(ours.length === 2 && ours.every((it) => it.secure && it.httpOnly && it.sameSite === 'Lax'), `the cookies are ${names}`);
  });

  await run.step('elsewhere', async () => {
    const other = await visit();
    const answer = await other.goto(input.pass);
    expect(answer.status() === 403, `another browser was answered ${answer.status()}`);
    await other.goto(input.tool);
    expect(await asksForPassword(other), `another browser came to ${other.url()}`);
    run.page = guest;
  });

  await run.step('streaming', () =>
    guest.evaluate(async () => {
      const reader = (await fetch('/stream')).body.getReader();
      await reader.read();
      const toTheEnd = async () => {
        for (;;) if ((await reader.read()).done) return;
      };
      window.ended = toTheEnd().catch(() => {});
    }),
  );

  await run.step('revoked', async () => {
    await guest.evaluate(() => window.ended);
    await guest.goto(input.tool);
    expect(await asksForPassword(guest), `the guest came to ${guest.url()}`);
  });
});
