// QR sign-in on the sign-in page: the panel's transaction, which the browser's own cookie binds, and the page
// that asks "continue as …?" once the phone has approved. The question is asked always, so that nobody is
// signed in to an account that a stranger's phone chose (M21), and no GET signs anybody in.
import type { Context } from 'koa';
import { findAccount } from '../../accounts/account.ts';
import { DomainError } from '../../core/errors.ts';
import type { Access } from '../../qr/access.ts';
import { cancelTransaction } from '../../qr/approving.ts';
import { openTransaction } from '../../qr/opening.ts';
import type { Approval, Redemption } from '../../qr/redeeming.ts';
import { prepareRedemption } from '../../qr/redeeming.ts';
import type { QrSnapshot } from '../../qr/viewing.ts';
import { viewTransaction } from '../../qr/viewing.ts';
import { QR_TOPIC } from '../../qr/waiting.ts';
import { deviceSessions, endOf } from '../../sessions/device-session.ts';
import { labelIn } from '../api/qr-following.ts';
import { openingOf } from '../api/qr-opening.ts';
import { openedPayload } from '../api/qr-payloads.ts';
import { answerQrRefusal } from '../api/qr-problems.ts';
import { browserSecret, csrfValue, rememberHere, requireCsrf } from '../browser.ts';
import type { Interaction } from '../interaction.ts';
import { findInteraction, opensBrowserSession } from '../interaction.ts';
import type { Route } from '../route.ts';
import { isFromElsewhere, requestOrigin } from '../same-origin.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { askingApp, showPage } from './page.ts';
import type { CompletedSignIn } from './sign-in.ts';
import { finishWithSession, refuseSignIn, startBrowserSession } from './sign-in.ts';

type Handler = (deps: WebDeps, ctx: Context) => Promise<void> | void;

const table: readonly (readonly [Route['method'], path: string, Handler])[] = [
  ['POST', '/interaction/:uid/qr', createForPage],
  ['GET', '/interaction/:uid/qr/:id', showContinue],
  ['POST', '/interaction/:uid/qr/:id', postContinue],
  // Where a camera that is not the app's lands: a GET changes nothing, the page says what to do.
  ['GET', '/q/m/:id', (deps, ctx) => showPage(deps, ctx, 'qr-landing', {})],
];

export function qrPageRoutes(deps: WebDeps): Route[] {
  return table.map(([method, path, handler]) => ({ method, path, handler: (ctx) => handler(deps, ctx) }));
}

/** Answers the panel's script with JSON. */
async function createForPage(deps: WebDeps, ctx: Context): Promise<void> {
  const interaction = await requireOwnForm(deps, ctx);
  const cookie = browserSecret(deps, ctx);
  const { scope, resource } = interaction.params;
  const opened = await openTransaction(deps.qr, {
    ...openingOf(deps, ctx, interaction.client),
    opener: { role: 'grantee', binding: { kind: 'cookie', cookie } },
    scope: String(scope ?? 'openid'),
    ...(resource !== undefined && { resource: [resource].flat().map(String) }),
    // The person reads the question first; the interaction ends all the same when its time is over.
    approvalMs: deps.config.sessions.interaction,
  });
  ctx.set('cache-control', 'no-store');
  if (opened.kind === 'refused') return answerQrRefusal(ctx, opened.refusal);

  const snapshot = await viewTransaction(deps.qr, { id: opened.id, access: { kind: 'cookie', cookie } });
  if (snapshot.kind === 'refused') return answerQrRefusal(ctx, snapshot.refusal);

  ctx.status = 201;
  ctx.body = {
    ...openedPayload(snapshot, { base: '', intervalMs: deps.config.qr.interval }),
    continue_uri: `/interaction/${interaction.uid}/qr/${opened.id}`,
  };
}

async function showContinue(deps: WebDeps, ctx: Context): Promise<void> {
  const interaction = await findInteraction(deps, ctx);
  const snapshot = await approvedSnapshot(deps, ctx);
  if (!snapshot?.account) return backToSignIn(ctx, interaction);

  showPage(deps, ctx, 'qr-continue', {
    action: ctx.path,
    csrf: csrfValue(deps, ctx),
    account: { label: snapshot.account.label },
    ...askingApp(interaction.client),
  });
}

async function postContinue(deps: WebDeps, ctx: Context): Promise<void> {
  const interaction = await requireOwnForm(deps, ctx);
  if (webState(ctx).form?.get('decision') === 'continue') return redeemHere(deps, ctx, interaction);

  await cancelTransaction(deps.qr, { id: idOf(ctx), access: cookieAccess(deps, ctx) });
  backToSignIn(ctx, interaction);
}

/** Of two posts at the same moment one redeems; the other finds it done and goes on in the same session. */
async function redeemHere(deps: WebDeps, ctx: Context, interaction: Interaction): Promise<void> {
  const redemption = await prepareHere(deps, ctx, interaction);
  if (redemption.kind !== 'ready') return goOnAfter(deps, ctx, interaction, redemption);

  const { approval, write } = redemption;
  const account = await findAccount(deps.store, approval.accountId);
  if (account?.state !== 'active') return refuseSignIn(deps, ctx, interaction, tooLate);

  const completed: CompletedSignIn = {
    ...signInBy(approval),
    together: (sessionId) => [write({ sessionId })],
  };
  const outcome = await startBrowserSession(deps, ctx, interaction, completed);
  if (outcome.kind === 'lost') {
    return goOnAfter(deps, ctx, interaction, await prepareHere(deps, ctx, interaction));
  }
  if (outcome.kind === 'too_late') return refuseSignIn(deps, ctx, interaction, tooLate);

  deps.store.notify(QR_TOPIC, approval.transactionId);
  rememberHere(deps, ctx, [approval.accountId]);
  await finishWithSession(deps, ctx, completed, outcome.sessionId);
}

const tooLate = { error: 'expired', status: 409 } as const;

/** The form comes from the page that named the account, so what that page was told to send stands for it. */
async function prepareHere(deps: WebDeps, ctx: Context, interaction: Interaction): Promise<Redemption> {
  const snapshot = await approvedSnapshot(deps, ctx);
  const { cookie } = cookieAccess(deps, ctx);
  return prepareRedemption(deps.qr, {
    clientId: interaction.client.id,
    proof: { kind: 'cookie', id: idOf(ctx), cookie },
    knowsAccount: () => false,
    ...(snapshot?.account && { confirm: snapshot.account.confirm }),
  });
}

/** The answer to an earlier post was lost, or the approval is gone. */
async function goOnAfter(
  deps: WebDeps,
  ctx: Context,
  interaction: Interaction,
  redemption: Redemption,
): Promise<void> {
  if (redemption.kind !== 'repeat') return backToSignIn(ctx, interaction);

  const session = await deps.store.get(deviceSessions, redemption.redeemed.sessionId);
  if (!session?.accountId || !session.auth || endOf(session, deps.clock.now())) {
    return backToSignIn(ctx, interaction);
  }
  const { accountId, auth, startedBy } = session;
  const completed = { account: { id: accountId }, auth, startedBy, authenticatedAt: redemption.redeemed.at };
  await finishWithSession(deps, ctx, completed, session.id);
}

function signInBy(approval: Approval): CompletedSignIn {
  return {
    account: { id: approval.accountId },
    auth: approval.auth,
    authenticatedAt: approval.approvedAt,
    startedBy: { how: 'qr', sessionId: approval.grantorSessionId },
  };
}

/** What the page is told of an approval that is its own; undefined where there is none. */
async function approvedSnapshot(deps: WebDeps, ctx: Context): Promise<QrSnapshot | undefined> {
  const snapshot = await viewTransaction(deps.qr, {
    id: idOf(ctx),
    access: cookieAccess(deps, ctx),
    labelOf: labelIn(deps),
  });
  return snapshot.kind === 'snapshot' && snapshot.state === 'approved' ? snapshot : undefined;
}

/** A form that our own page posted, and the request that it belongs to. */
async function requireOwnForm(deps: WebDeps, ctx: Context): Promise<Interaction> {
  requireCsrf(deps, ctx);
  if (isFromElsewhere(requestOrigin(ctx), deps.config.issuer)) throw new DomainError('csrf');

  const interaction = await findInteraction(deps, ctx);
  if (!opensBrowserSession(interaction)) throw new DomainError('not_found');
  return interaction;
}

function cookieAccess(deps: WebDeps, ctx: Context): Extract<Access, { kind: 'cookie' }> {
  return { kind: 'cookie', cookie: browserSecret(deps, ctx) };
}

function backToSignIn(ctx: Context, { uid }: Interaction): void {
  ctx.status = 303;
  ctx.redirect(`/interaction/${uid}`);
}

function idOf(ctx: Context): string {
  return String(ctx.params.id ?? '');
}
