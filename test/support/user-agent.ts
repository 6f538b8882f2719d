// A browser as far as HTTP goes: keeps cookies, follows redirects, reads forms. For flow tests.
export interface Answer {
  status: number;
  url: string;
  headers: Headers;
  body: string;
}

export interface UserAgent {
  get(url: string, headers?: Record<string, string>): Promise<Answer>;
  /** Follows redirects while they stay at the origin. */
  open(url: string): Promise<Answer>;
  post(url: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
  /** Posts and follows redirects while they stay at the origin. */
  submit(url: string, form: Record<string, string>): Promise<Answer>;
  cookies: Map<string, { value: string; path: string }>;
}

const REDIRECTS_MAX = 10;

export function userAgent(origin: string, language = 'en'): UserAgent {
  const cookies = new Map<string, { value: string; path: string }>();

  async function send(
    method: string,
    url: string,
    init: { body?: string; headers?: Record<string, string> },
  ) {
    const address = new URL(url, origin);
    const cookie = [...cookies]
      .filter(([, { path }]) => pathMatches(address.pathname, path))
      .map(([key, { value }]) => `${key.split(';')[0]}=${value}`)
      .join('; ');
    const response = await fetch(address, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'accept-language': language,
        ...(cookie && { cookie }),
        ...(init.body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...init.headers,
      },
      ...(init.body !== undefined && { body: init.body }),
    });
    for (const line of response.headers.getSetCookie()) keep(cookies, line);
    return {
      status: response.status,
      url: address.href,
      headers: response.headers,
      body: await response.text(),
    };
  }

  async function follow(answer: Answer): Promise<Answer> {
    let current = answer;
    for (let count = 0; count < REDIRECTS_MAX; count += 1) {
      const location = current.headers.get('location');
      if (location === null || current.status < 300 || current.status >= 400) return current;

      const next = new URL(location, current.url);
      if (next.origin !== origin) return current;
      current = await send('GET', next.href, {});
    }
    throw new Error(`too many redirects, at ${current.url}`);
  }

  const agent: UserAgent = {
    cookies,
    get: (url, headers) => send('GET', url, headers ? { headers } : {}),
    open: async (url) => follow(await send('GET', url, {})),
    post: (url, form, headers) =>
      send('POST', url, { body: new URLSearchParams(form).toString(), ...(headers && { headers }) }),
    submit: async (url, form) => follow(await agent.post(url, form)),
  };
  return agent;
}

/** The hidden and prefilled fields of the first form of a page, and where it posts to. */
export function formOf(page: Answer, index = 0): { action: string; fields: Record<string, string> } {
  const forms = [...page.body.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)];
  const form = forms[index];
  if (!form)
    throw new Error(`there is no form ${index} on ${page.url} (${page.status}): ${page.body.slice(0, 400)}`);

  const fields: Record<string, string> = {};
  for (const [tag] of (form[2] ?? '').matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(tag)?.[1];
    const isHidden = /type="hidden"/.test(tag);
    if (name !== undefined && isHidden) fields[name] = decodeEntities(/value="([^"]*)"/.exec(tag)?.[1] ?? '');
  }
  return { action: new URL(decodeEntities(form[1] ?? ''), page.url).href, fields };
}

function decodeEntities(text: string): string {
  return text
    .replaceAll('&#34;', '"')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function pathMatches(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function keep(cookies: UserAgent['cookies'], line: string): void {
  const [pair = '', ...attributes] = line.split(/;\s*/);
  const [name = '', ...rest] = pair.split('=');
  const attribute = (key: string) =>
    attributes.find((each) => each.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
  const path = attribute('path') ?? '/';
  const expires = attribute('expires');
  const isGone = expires !== undefined && Date.parse(expires) < Date.UTC(2000, 0, 1);
  const key = `${name};${path}`;
  if (isGone) cookies.delete(key);
  else cookies.set(key, { value: rest.join('='), path });
}
