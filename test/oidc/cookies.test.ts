// Cookies: what they are called, what they are bound to, and that nothing of worth is in them.
import { afterEach, describe, expect, it } from 'vitest';
import { addApp, newBrowser, webApp } from '../support/app.ts';
import { startTestServer, type TestServer } from '../support/test-server.ts';
import { formOf, type UserAgent } from '../support/user-agent.ts';

const issuer = 'https://id.example.com';

let strata: TestServer;

afterEach(() => strata.close());

interface SeenCookie {
  name: string;
  value: string;
  attributes: Set<string>;
}

/** Signs in and keeps every Set-Cookie line of the way; addresses of the issuer are asked at the server. */
async function cookiesOfSignIn(): Promise<SeenCookie[]> {
  const app = await addApp(strata, webApp);
  const person = await strata.addAccount();
  const browser = newBrowser(strata);
  const seen: SeenCookie[] = [];
  const here = (address: string) => {
    const { pathname, search } = new URL(address, strata.origin);
    return `${pathname}${search}`;
  };
  const get = async (address: string) => keep(await browser.get(here(address)));
  const keep = (answer: Awaited<ReturnType<UserAgent['get']>>) => {
    seen.push(...answer.headers.getSetCookie().map(seenCookie));
    return answer;
  };
  const next = (answer: { headers: Headers }) => answer.headers.get('location') ?? '';

  const asked = await get(app.ask().address);
  const page = await get(next(await get(next(asked))));
  const { action, fields } = formOf(page);
  const form = { ...fields, identifier: person.email, password: person.password };
  const posted = keep(await browser.post(here(action), form));
  const answered = await get(next(posted));
  expect(next(answered)).toMatch(/^https:\/\/notes\.example\/callback\?code=/);
  return seen;
}

function seenCookie(line: string): SeenCookie {
  const [pair = '', ...attributes] = line.split(/;\s*/);
  const [name = '', ...value] = pair.split('=');
  return { name, value: value.join('='), attributes: new Set(attributes.map((each) => each.toLowerCase())) };
}

describe('the cookies of a server that is reached by https', () => {
  it('carry the prefixes that browsers hold them to, and are Secure, HttpOnly and Lax', async () => {
    strata = await startTestServer({ config: { issuer } });

    const cookies = await cookiesOfSignIn();

    const names = new Set(cookies.map(({ name }) => name.replace(/\.sig$/, '')));
    expect([...names].toSorted()).toEqual([
      '__Host-strata_browser',
      '__Host-strata_session',
      '__Secure-strata_interaction',
      '__Secure-strata_resume',
    ]);
    for (const { name, attributes } of cookies) {
      expect(attributes, name).toContain('secure');
      expect(attributes, name).toContain('httponly');
      expect(attributes, name).toContain('samesite=lax');
      expect([...attributes].some((each) => each.startsWith('domain='))).toBe(false);
    }
  });

  it('are those of the whole host with __Host-, and of one path with __Secure-', async () => {
    strata = await startTestServer({ config: { issuer } });

    const cookies = await cookiesOfSignIn();

    const pathOf = (cookie: SeenCookie) =>
      [...cookie.attributes].find((each) => each.startsWith('path='))?.slice(5);
    for (const cookie of cookies) {
      if (cookie.name.startsWith('__Host-')) expect(pathOf(cookie)).toBe('/');
      if (cookie.name.startsWith('__Secure-strata_interaction'))
        expect(pathOf(cookie)).toMatch(/^\/interaction\/./);
      if (cookie.name.startsWith('__Secure-strata_resume')) expect(pathOf(cookie)).toMatch(/^\/authorize\/./);
    }
  });

  it('come with Strict-Transport-Security', async () => {
    strata = await startTestServer({ config: { issuer } });

    const answer = await newBrowser(strata).get('/devices');

    expect(answer.headers.get('strict-transport-security')).toMatch(/max-age=\d{7,}/);
  });
});

describe('the cookies of a server on loopback http', () => {
  it('have plain names and no Secure, so that browsers keep them', async () => {
    strata = await startTestServer();

    const cookies = await cookiesOfSignIn();

    expect(cookies.length).toBeGreaterThan(4);
    for (const { name, attributes } of cookies) {
      expect(name).toMatch(/^strata_/);
      expect(attributes).toContain('httponly');
      expect(attributes).not.toContain('secure');
    }
  });
});

describe('an interaction', () => {
  it('is open only to the browser that began it', async () => {
    strata = await startTestServer();
    const app = await addApp(strata, webApp);
    const begun = await newBrowser(strata).open(app.ask().address);

    const stranger = await newBrowser(strata).open(begun.url);

    expect(stranger.status).toBe(400);
    expect(stranger.body).not.toContain('name="password"');
  });

  it('is over after an hour', async () => {
    strata = await startTestServer();
    const app = await addApp(strata, webApp);
    const browser = newBrowser(strata);
    const page = await browser.open(app.ask().address);
    strata.clock.advance(3_600_000);

    const answer = await browser.submit(formOf(page).action, {
      ...formOf(page).fields,
      identifier: 'a',
      password: 'b',
    });

    expect(answer.status).toBe(400);
  });

  it('survives a second one in another tab', async () => {
    strata = await startTestServer();
    const app = await addApp(strata, webApp);
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    const first = await browser.open(app.ask({ state: 'first' }).address);
    await browser.open(app.ask({ state: 'second' }).address);

    const { action, fields } = formOf(first);
    const answer = await browser.submit(action, {
      ...fields,
      identifier: person.email,
      password: person.password,
    });

    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('state')).toBe('first');
  });
});

describe('a cookie that was changed', () => {
  it('is worth nothing', async () => {
    strata = await startTestServer();
    const app = await addApp(strata, webApp);
    const person = await strata.addAccount();
    const browser = newBrowser(strata);
    await app.signIn(browser, person);
    const cookie = browser.cookies.get('strata_session.sig;/');
    browser.cookies.set('strata_session.sig;/', { path: '/', value: `${cookie?.value.slice(0, -2)}xx` });

    expect((await browser.open(app.ask().address)).url).toMatch(/\/sign-in$/);
  });
});
