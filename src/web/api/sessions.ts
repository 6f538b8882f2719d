// /api/sessions: an account's own sessions, for its apps.
import type { Context } from 'koa';
import { isSessionId } from '../../core/ids.ts';
import { deviceSessions, liveApps } from '../../sessions/device-session.ts';
import { endSession, liveSessionsOf } from '../../sessions/ending.ts';
import { answerProblem } from '../middleware/failures.ts';
import { classOf } from '../pages/devices.ts';
import type { WebDeps } from '../web-deps.ts';
import { requireBearer } from './bearer.ts';

export async function listSessions(deps: WebDeps, ctx: Context): Promise<void> {
  const bearer = await requireBearer(deps, ctx, 'sessions:read');
  if (!bearer?.session.accountId) return;

  const now = deps.clock.now();
  const live = await liveSessionsOf(deps, bearer.session.accountId);
  ctx.set('cache-control', 'no-store');
  ctx.body = {
    sessions: live.map((session) => ({
      session_id: session.id,
      platform: session.platform,
      class: classOf(deps, session),
      name: session.device.name,
      current: session.id === bearer.session.id,
      started_ago_ms: now - session.startedAt,
      active_ago_ms: now - session.lastActiveAt,
      started_by: session.startedBy.how,
      apps: liveApps(session).map(([, app]) => app.clientId),
    })),
  };
}

export async function deleteSession(deps: WebDeps, ctx: Context): Promise<void> {
  const bearer = await requireBearer(deps, ctx, 'sessions:end');
  if (!bearer) return;

  const id = String(ctx.params.id ?? '');
  const session = isSessionId(id) ? await deps.store.get(deviceSessions, id) : undefined;
  const { accountId } = bearer.session;
  // Another account's session is answered like one that does not exist.
  if (!session || accountId === undefined || session.accountId !== accountId) {
    return answerProblem(ctx, { status: 404, code: 'not_found' });
  }

  const reason = session.id === bearer.session.id ? 'signed_out' : 'kicked';
  await endSession(deps.sessions, session.id, { reason, by: bearer.session.id });
  ctx.status = 204;
}
