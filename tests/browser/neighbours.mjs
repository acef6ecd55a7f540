// Two tools on one host, and a visitor who uses both: whose cookies go where.
//
// Input: {"first", "second", "username", "password", "screenshotDir"}: the share URLs of tools that set the cookies their query
// names, and, as needed, "caPem", "ignoreHTTPSErrors", "deadlineMs". What the tools received is looked at by the test.

import { expect, script, signIn } from './lib.mjs';

await script(['first', 'second', 'username', 'password'], async (input, run) => {
  const visitor = await run.browser.visitor();
  const page = (run.page = await visitor.newPage());
  const cookies = () => page.evaluate(() => document.cookie);
  const set = (...all) => `?${all.map((cookie) => cookie.replaceAll(' ', '+')).join('&')}`;

  await run.step('first-sets', async () => {
    await page.goto(input.first, { waitUntil: 'domcontentloaded' });
    await signIn(page, input);
    await page.goto(input.first + set('sid=first; Path=/; HttpOnly', 'open=first; Path=/'));
    expect((await cookies()) === 'open=first', `the first tool's page sees ${await cookies()}`);
    await page.goto(`${input.first}/own`);
  });

  await run.step('second-looks', async () => {
    await page.goto(`${input.second}/other`);
    const seen = await cookies();
    // What scripts can read is the whole host's; that is how browsers are.
    expect(!seen.includes('sid') && !seen.includes('drawbridge'), `the second tool's page sees ${seen}`);
  });

  await run.step('second-plants', async () => {
    const mark = `__Http-drawbridge-tool-${new URL(input.first).port}-sid`;
    await page.evaluate((name) => {
      document.cookie = `${name}=planted; Path=/; Secure`;
      document.cookie = 'sid=planted; Path=/; Secure';
    }, mark);
    const jar = await visitor.cookies(input.first);
    const found = jar.filter((cookie) => cookie.name === mark).map((cookie) => cookie.value);
    expect(found.join() === 'first', `the marked cookie is ${found}`);
    expect((await cookies()).includes('sid=planted'), 'the browser takes no cookie at all');
  });

  await run.step('both-work', async () => {
    await page.goto(input.second + set('sid=second; Path=/; HttpOnly'));
    await page.goto(`${input.second}/both`);
    await page.goto(`${input.first}/still`);
  });

  await run.step('first-deletes', async () => {
    // As most programs do it: without HttpOnly.
    await page.goto(input.first + set('sid=; Path=/; Max-Age=0'));
    await page.goto(`${input.first}/gone`);
    const names = (await visitor.cookies(input.second)).filter((cookie) => cookie.name.endsWith('-sid')).map((cookie) => cookie.value);
    expect(names.join() === 'second', `the neighbour's cookie is ${names}`);
  });
  await visitor.close();
});
