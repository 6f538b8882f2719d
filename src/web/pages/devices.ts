// My devices: where this account is signed in, and what was signed out lately and why. A browser that is not
// signed in, or not any more, is sent to sign in first, and hears the reason there.
import type { Context } from 'koa';
import { getAccount } from '../../accounts/account.ts';
import type { AccountId } from '../../core/ids.ts';
import { isSessionId } from '../../core/ids.ts';
import type { DeviceSession } from '../../sessions/device-session.ts';
import { deviceSessions, endOf, liveApps } from '../../sessions/device-session.ts';
import { endAllOfAccount, endSession, liveSessionsOf } from '../../sessions/ending.ts';
import { csrfValue, requireCsrf } from '../browser.ts';
import { browserDeviceSession } from '../interaction.ts';
import type { DeviceRow, DevicesContext, EndedRow } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { accountCard, showPage } from './page.ts';

/** How many of the latest sessions are looked through for those that have ended. */
const LATEST_MAX = 100;
const ENDED_SHOWN_MS = 30 * 86_400_000;

export async function showDevices(deps: WebDeps, ctx: Context): Promise<void> {
  const current = await signedInHere(deps, ctx);
  if (!current) return;

  const { notice } = ctx.query;
  const isNotice = notice === 'ended' || notice === 'others_ended';
  const context = await devicesContext(deps, ctx, current);
  showPage(deps, ctx, 'devices', { ...context, ...(isNotice && { notice }) });
}

/** Signs out one device. */
export async function postEndDevice(deps: WebDeps, ctx: Context): Promise<void> {
  requireCsrf(deps, ctx);
  const current = await signedInHere(deps, ctx);
  if (!current) return;

  const id = String(ctx.params.id ?? '');
  const session = isSessionId(id) ? await deps.store.get(deviceSessions, id) : undefined;
  // Another account's session is answered like one that does not exist.
  if (session?.accountId === current.accountId) {
    const reason = session.id === current.id ? 'signed_out' : 'kicked';
    await endSession(deps.sessions, session.id, { reason, by: current.id });
  }
  ctx.status = 303;
  ctx.redirect('/devices?notice=ended');
}

export async function postEndOtherDevices(deps: WebDeps, ctx: Context): Promise<void> {
  requireCsrf(deps, ctx);
  const current = await signedInHere(deps, ctx);
  if (!current) return;

  await endAllOfAccount(deps.sessions, current.accountId, {
    reason: 'kicked',
    by: current.id,
    keep: current.id,
  });
  ctx.status = 303;
  ctx.redirect('/devices?notice=others_ended');
}

type OwnSession = DeviceSession & { accountId: AccountId };

/** The browser's live session; without one the answer is the way to sign in. */
async function signedInHere(deps: WebDeps, ctx: Context): Promise<OwnSession | undefined> {
  const { session, end } = await browserDeviceSession(deps, ctx);
  if (session?.accountId !== undefined && !end) return { ...session, accountId: session.accountId };

  ctx.status = 303;
  ctx.redirect('/sign-in?return_to=/devices');
  return undefined;
}

async function devicesContext(deps: WebDeps, ctx: Context, current: OwnSession): Promise<DevicesContext> {
  const { accountId } = current;
  const [account, live, page] = await Promise.all([
    getAccount(deps.store, accountId),
    liveSessionsOf(deps, accountId),
    deps.store.list(deviceSessions, 'account', accountId, { limit: LATEST_MAX, newestFirst: true }),
  ]);
  const now = deps.clock.now();
  const all = [...live, ...page.records];
  // This device stands first, whatever came after it.
  const ordered = live.toSorted(
    (one, other) => Number(other.id === current.id) - Number(one.id === current.id),
  );
  const rows = ordered.map((session) => deviceRow(deps, session, { current, now, all }));
  return {
    account: accountCard(account),
    csrf: csrfValue(deps, ctx),
    sessions: await Promise.all(rows),
    ended: page.records.flatMap((session) => endedRow(deps, session, now)),
    signOutOthersUrl: '/devices/sign-out-others',
  };
}

async function deviceRow(
  deps: WebDeps,
  session: DeviceSession,
  context: { current: DeviceSession; now: number; all: readonly DeviceSession[] },
): Promise<DeviceRow> {
  const { current, now, all } = context;
  const parent = all.find(({ id }) => id === session.startedBy.sessionId);
  const clients = await Promise.all(liveApps(session).map(([, app]) => deps.clients.find(app.clientId)));
  return {
    id: session.id,
    platform: session.platform,
    class: classOf(deps, session),
    name: session.device.name,
    current: session.id === current.id,
    activeAgoMs: Math.max(0, now - session.lastActiveAt),
    startedAgoMs: Math.max(0, now - session.startedAt),
    startedBy: { how: session.startedBy.how, ...(parent && { byName: parent.device.name }) },
    apps: clients.flatMap((client) => (client ? [client.metadata.client_name ?? client.id] : [])),
    endUrl: `/devices/${session.id}/sign-out`,
  };
}

function endedRow(deps: WebDeps, session: DeviceSession, now: number): EndedRow[] {
  const end = endOf(session, now);
  if (!end || now - end.at > ENDED_SHOWN_MS) return [];

  const agoMs = Math.max(0, now - end.at);
  return [{ name: session.device.name, class: classOf(deps, session), reason: end.reason, agoMs }];
}

export function classOf(deps: Pick<WebDeps, 'config'>, session: DeviceSession): DeviceRow['class'] {
  return deps.config.platforms[session.platform]?.class ?? 'browser';
}
