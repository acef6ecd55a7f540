// A visitor of a tool that is open without encryption too.
//
// Input: {"plain", "secure", "username", "password", "screenshotDir"}: both addresses of one tool and, as needed, "caPem".

import { expect, expectSignInForm, script, signIn } from './lib.mjs';

await script(['plain', 'secure', 'username', 'password'], async (input, run) => {
  const visitor = await run.browser.visitor();
  const page = (run.page = await visitor.newPage());
  const isAtForm = () => page.locator('input[name=password]').count();

  await run.step('warned', async () => {
    await page.goto(`${input.plain}/a?b`);
    await expectSignInForm(page);
    expect(new URL(page.url()).protocol === 'http:', `the form is at ${page.url()}`);
    const text = await page.locator('main').innerText();
    expect(text.includes('This page is not encrypted.'), `no warning: ${text}`);
    const link = await page.getByRole('link', { name: 'Use the encrypted address instead.' }).getAttribute('href');
    expect(link === `${input.secure}/a?b`, `the way to HTTPS is ${link}`);
    await run.screenshot('sign-in');
  });

  await run.step('signs-in', async () => {
    await signIn(page, input);
    expect(page.url() === `${input.plain}/a?b`, `arrived at ${page.url()}`);
    expect((await page.locator('body').innerText()).includes('GET /a?b'), 'the tool does not answer');
    const cookies = await visitor.cookies(input.plain);
    expect(cookies.every(({ name, httpOnly }) => name.startsWith('plain-drawbridge-') && httpOnly), JSON.stringify(cookies));
  });

  await run.step('nobody-over-https', async () => {
    await page.goto(`${input.secure}/`);
    expect(await isAtForm(), 'HTTPS takes the cookie of plain HTTP');
    expect(page.url().startsWith('https:'), `the form is at ${page.url()}`);
  });

  await run.step('each-its-own', async () => {
    await signIn(page, input);
    expect(page.url() === `${input.secure}/`, `arrived at ${page.url()}`);
    await visitor.clearCookies({ name: /^plain-/ });
    await page.goto(`${input.plain}/`);
    expect(await isAtForm(), 'plain HTTP takes the cookie of HTTPS');
  });
  await visitor.close();
});
