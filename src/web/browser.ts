// The browser as we know it again: a long-lived cookie with a random secret of its own. Its digest makes
// "the same browser" of a device session; CSRF values and the list of accounts that this browser has seen
// are MACs under it. It signs nobody in.
import type { Context } from 'koa';
import { DomainError } from '../core/errors.ts';
import { digest, equalSecrets, mac, randomToken } from '../core/secrets.ts';
import { cookieNames } from '../oidc/settings.ts';
import type { WebDeps } from './web-deps.ts';
import { webState } from './web-state.ts';

type BrowserDeps = Pick<WebDeps, 'config' | 'keyring'>;

const YEAR_MS = 365 * 86_400_000;
const SECRET_BYTES = 24;
const secretShape = /^[\w-]{32}$/;
const KNOWN_MAX = 8;
const MARK_LENGTH = 22;

/** The browser's secret; set as a cookie when it has none yet. */
export function browserSecret(deps: BrowserDeps, ctx: Context): string {
  const state = webState(ctx);
  if (state.browserSecret !== undefined) return state.browserSecret;

  const name = cookieNames(deps.config.issuer).browser;
  const [given = ''] = (ctx.cookies.get(name, { signed: false }) ?? '').split('.');
  const secret = secretShape.test(given) ? given : randomToken(SECRET_BYTES);
  state.browserSecret = secret;
  if (secret !== given) setCookie(deps, ctx, { secret, marks: [] });
  return secret;
}

/** What stands in device sessions for this browser. */
export function browserUid(deps: BrowserDeps, ctx: Context): string {
  return digest('browser', browserSecret(deps, ctx));
}

/** The double-submit value of our forms (CSRF): only a page that this browser got from us has it. */
export function csrfValue(deps: BrowserDeps, ctx: Context): string {
  return mac(deps.keyring.current('form').bytes, 'csrf', browserSecret(deps, ctx));
}

export function requireCsrf(deps: BrowserDeps, ctx: Context): URLSearchParams {
  const form = webState(ctx).form ?? new URLSearchParams();
  const given = form.get('csrf') ?? '';
  const secret = browserSecret(deps, ctx);
  const isOurs = deps.keyring.all('form').some((key) => equalSecrets(mac(key.bytes, 'csrf', secret), given));
  if (!isOurs) throw new DomainError('csrf');

  return form;
}

/** Whether somebody has signed in to this account, or with this name, in this browser before. */
export function isKnownHere(deps: BrowserDeps, ctx: Context, subject: string): boolean {
  const secret = browserSecret(deps, ctx);
  const marks = marksOf(deps, ctx);
  return deps.keyring.all('form').some((key) => {
    const mark = markOf(key.bytes, secret, subject);
    return marks.some((known) => equalSecrets(known, mark));
  });
}

/** Remembers that these subjects (an account's id, the name it signed in with) have been here. */
export function rememberHere(deps: BrowserDeps, ctx: Context, subjects: readonly string[]): void {
  const secret = browserSecret(deps, ctx);
  const key = deps.keyring.current('form').bytes;
  const added = subjects.map((subject) => markOf(key, secret, subject));
  const marks = [...new Set([...added, ...marksOf(deps, ctx)])].slice(0, KNOWN_MAX);
  setCookie(deps, ctx, { secret, marks });
}

function markOf(key: Uint8Array, secret: string, subject: string): string {
  return mac(key, 'known here', secret, subject).slice(0, MARK_LENGTH);
}

function marksOf(deps: BrowserDeps, ctx: Context): string[] {
  const value = ctx.cookies.get(cookieNames(deps.config.issuer).browser, { signed: false }) ?? '';
  return value.split('.').slice(1, KNOWN_MAX + 1);
}

function setCookie(deps: BrowserDeps, ctx: Context, cookie: { secret: string; marks: string[] }): void {
  const { issuer } = deps.config;
  ctx.cookies.set(cookieNames(issuer).browser, [cookie.secret, ...cookie.marks].join('.'), {
    httpOnly: true,
    // Lax, so that it comes along when an app sends its user here.
    sameSite: 'lax',
    secure: issuer.startsWith('https:'),
    maxAge: YEAR_MS,
    path: '/',
    signed: false,
    overwrite: true,
  });
}
