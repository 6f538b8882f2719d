// The sign-in page: name and password on the left, a QR code on the right. It always belongs to a request of
// an app; pages of our own ask for one through /authorize like any app does.
import type { Context } from 'koa';
import type { Account } from '../../accounts/account.ts';
import type { FreshAuthentication } from '../../accounts/authentication-levels.ts';
import { signIn } from '../../accounts/sign-in.ts';
import { defaultPlatform } from '../../clients/client.ts';
import type { AccountId, SessionId } from '../../core/ids.ts';
import type { SignInResult } from '../../oidc/sign-in-result.ts';
import { type BrowserSignInOutcome, signInBrowser } from '../../sessions/browser-session.ts';
import type { Authentication, DeviceSession, EndReason } from '../../sessions/device-session.ts';
import type { Write } from '../../storage/store.ts';
import { browserUid, csrfValue, isKnownHere, rememberHere, requireCsrf } from '../browser.ts';
import type { Interaction } from '../interaction.ts';
import {
  browserDeviceSession,
  findInteraction,
  finishInteraction,
  opensBrowserSession,
} from '../interaction.ts';
import { deviceNameFrom } from '../user-agent.ts';
import type { SignInContext } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { askingApp, showPage } from './page.ts';

export async function showSignIn(deps: WebDeps, ctx: Context): Promise<void> {
  const interaction = await findInteraction(deps, ctx);
  showPage(deps, ctx, 'sign-in', signInContext(deps, ctx, interaction));
}

export async function postSignIn(deps: WebDeps, ctx: Context): Promise<void> {
  const form = requireCsrf(deps, ctx);
  const interaction = await findInteraction(deps, ctx);
  const identifier = form.get('identifier') ?? '';
  const outcome = await signIn(deps.signIn, {
    identifier,
    password: form.get('password') ?? '',
    address: webState(ctx).address,
    deviceKnown: isKnownHere(deps, ctx, knownName(identifier)),
  });

  switch (outcome.kind) {
    case 'signed_in':
      return completeWithPassword(deps, ctx, interaction, { ...outcome, identifier });
    case 'limited':
      ctx.set('retry-after', String(outcome.retryAfterSeconds));
      return refuseSignIn(deps, ctx, interaction, { identifier, error: 'locked', status: 429 });
    case 'refused':
      return refuseSignIn(deps, ctx, interaction, { identifier, error: 'wrong', status: 401 });
  }
}

/** The password was right, or was just chosen: the browser knows this account from now on. */
export async function completeWithPassword(
  deps: WebDeps,
  ctx: Context,
  interaction: Interaction,
  proven: { identifier: string; account: Account; auth: FreshAuthentication },
): Promise<void> {
  const { at, ...auth } = proven.auth;
  rememberHere(deps, ctx, [knownName(proven.identifier), proven.account.id]);
  await completeSignIn(deps, ctx, interaction, {
    account: proven.account,
    auth,
    authenticatedAt: at,
    startedBy: { how: 'password' },
  });
}

/** The person would rather not: the app hears `access_denied`. */
export async function cancelInteraction(deps: WebDeps, ctx: Context): Promise<void> {
  requireCsrf(deps, ctx);
  await findInteraction(deps, ctx);
  await finishInteraction(deps, ctx, { error: 'access_denied', error_description: 'the person cancelled' });
}

export interface CompletedSignIn {
  account: Pick<Account, 'id'>;
  auth: Authentication;
  authenticatedAt: number;
  startedBy: DeviceSession['startedBy'];
  /** Writes that must happen in the commit that starts the session; a QR redemption, say. */
  together?: (sessionId: SessionId) => Write[];
}

/** Every factor is there: the browser's session begins, or the native app goes on to its code. */
export async function completeSignIn(
  deps: WebDeps,
  ctx: Context,
  interaction: Interaction,
  completed: CompletedSignIn,
): Promise<void> {
  if (!opensBrowserSession(interaction)) {
    return finishInteraction(deps, ctx, { login: signInResultOf(completed) });
  }

  const outcome = await startBrowserSession(deps, ctx, interaction, completed);
  if (outcome.kind !== 'signed_in') {
    return refuseSignIn(deps, ctx, interaction, { error: 'expired', status: 409 });
  }
  await finishWithSession(deps, ctx, completed, outcome.sessionId);
}

export async function startBrowserSession(
  deps: WebDeps,
  ctx: Context,
  interaction: Interaction,
  completed: CompletedSignIn,
): Promise<BrowserSignInOutcome> {
  const { account, auth, authenticatedAt, startedBy } = completed;
  const current = await browserDeviceSession(deps, ctx);
  return signInBrowser(
    deps.sessions,
    {
      accountId: account.id as AccountId,
      platform: browserPlatform(deps, interaction),
      device: { ...deviceNameFrom(ctx.get('user-agent')), browserUid: browserUid(deps, ctx) },
      auth,
      authenticatedAt,
      startedBy,
      current: current.end ? undefined : current.session,
    },
    completed.together,
  );
}

/** Goes on with the request in the browser's new session. */
export async function finishWithSession(
  deps: WebDeps,
  ctx: Context,
  completed: CompletedSignIn,
  deviceSessionId: SessionId,
): Promise<void> {
  await finishInteraction(deps, ctx, { login: { ...signInResultOf(completed), deviceSessionId } });
}

function signInResultOf({ account, auth, authenticatedAt, startedBy }: CompletedSignIn): SignInResult {
  return {
    accountId: account.id,
    acr: auth.acr,
    amr: auth.amr,
    ts: auth.time,
    authenticatedAt,
    startedBy,
    remember: true,
  };
}

/** A session of the browser is of a browser's platform, whatever the app that asks is registered for. */
function browserPlatform(deps: WebDeps, { client }: Interaction): string {
  const platform = defaultPlatform(client.metadata);
  const kind = deps.config.platforms[platform]?.class;
  return kind === 'browser' || kind === 'mini-program' ? platform : 'web';
}

export function refuseSignIn(
  deps: WebDeps,
  ctx: Context,
  interaction: Interaction,
  refusal: { identifier?: string; error: NonNullable<SignInContext['error']>; status: number },
): void {
  const { identifier, error, status } = refusal;
  const context = signInContext(deps, ctx, interaction);
  showPage(
    deps,
    ctx,
    'sign-in',
    { ...context, error, ...(identifier !== undefined && { identifier }) },
    status,
  );
}

function signInContext(deps: WebDeps, ctx: Context, interaction: Interaction): SignInContext {
  const base = `/interaction/${interaction.uid}`;
  const csrf = csrfValue(deps, ctx);
  const { client, params, prompt } = interaction;
  const ended = endedDetail(prompt.details.ended, deps.clock.now());
  return {
    action: `${base}/sign-in`,
    csrf,
    ...askingApp(client),
    cancelUrl: `${base}/cancel`,
    ...(typeof params.login_hint === 'string' && { identifier: params.login_hint.slice(0, 254) }),
    ...(ended && { ended }),
    ...(deps.signUp && { signUpUrl: `${base}/sign-up` }),
    ...(deps.config.qr.map &&
      opensBrowserSession(interaction) && {
        qr: { createUrl: `${base}/qr`, csrf },
      }),
  };
}

/** Why the browser was signed out, as the engine kept it with the request. */
function endedDetail(detail: unknown, now: number): SignInContext['ended'] {
  if (typeof detail !== 'object' || detail === null) return undefined;

  // Written by oidc/interaction-policy.ts.
  const { at, reason, platform } = detail as { at: number; reason: EndReason; platform?: string };
  return { reason, agoMs: Math.max(0, now - at), ...(platform !== undefined && { platform }) };
}

function knownName(identifier: string): string {
  return `name:${identifier.trim().toLowerCase()}`;
}
