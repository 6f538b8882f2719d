// The refresh grant (RFC 6749 §6) on self-locating tokens: one read of the session, the pure decision of
// sessions/refresh-chain.ts, and at most one conditional write. Whoever loses a race reads the chain again
// and decides again, so that twenty tabs that wake at once hear the same newest token (I4).
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Log } from '../core/log.ts';
import { activityChanges } from '../sessions/activity.ts';
import type { Chain, DeviceSession, End } from '../sessions/device-session.ts';
import { deviceSessions, endOfApp } from '../sessions/device-session.ts';
import type { EndingDeps } from '../sessions/ending.ts';
import { endApp } from '../sessions/ending.ts';
import { chainChanges, decideRefresh, type RefreshDecision } from '../sessions/refresh-chain.ts';
import type { ParsedRefreshToken } from '../sessions/refresh-token.ts';
import { formatRefreshToken, parseRefreshToken, verifyRefreshToken } from '../sessions/refresh-token.ts';
import { patch } from '../storage/store.ts';
import type { DpopProof, DraftingDeps, GrantContext } from './issuing.ts';
import {
  answerWithTokens,
  draftTokens,
  requireAccount,
  requiredParameter,
  spendProof,
  validatedProof,
} from './issuing.ts';
import type { RedemptionDeps } from './redemption.ts';
import { Overloaded, SessionEnded, Superseded } from './refusals.ts';

export const refreshTokenParameters = ['refresh_token', 'scope'];

export interface RefreshDeps extends RedemptionDeps, DraftingDeps {
  settings: RedemptionDeps['settings'] & EndingDeps['settings'] & { refreshWindowMs: number };
  log: Log;
}

const ATTEMPTS_MAX = 64;

export function refreshTokenGrant(provider: Provider, deps: RefreshDeps) {
  return async function refreshToken(ctx: GrantContext): Promise<void> {
    const value = requiredParameter(ctx, 'refresh_token');
    const dPoP = await validatedProof(provider, ctx);
    const token = parseRefreshToken(value);
    if (!token) throw new errors.InvalidGrant('not a refresh token');
    await requireKnownKey(deps, token);

    let spent = false;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { session, chain } = await genuineChain(deps, ctx, token, dPoP);
      const scopes = narrowedScopes(ctx, chain);
      const account = await requireAccount(provider, ctx, session.accountId ?? '');
      // A proof is spent once, and only by a token that is genuine.
      if (!spent) await spendProof(provider, ctx, dPoP);
      spent = true;
      const drafted = await draftTokens(provider, ctx, deps, {
        account,
        token: { ...chain.token, gty: withRefresh(chain.token.gty) },
        grant: appOf(session, token).grant,
        dPoP,
        ...(scopes && { scopes }),
      });

      const decision = decideRefresh(chain, token, {
        now: deps.clock.now(),
        windowMs: deps.settings.refreshWindowMs,
        bound: chain.token.jkt !== undefined,
      });
      const serial = await carryOut(deps, { session, chain, token, decision });
      if (serial === undefined) continue;

      await answerWithTokens(provider, ctx, drafted, {
        session,
        appNumber: String(token.app),
        refreshToken: tokenOf(deps, token, { serial, salt: chain.salt }),
      });
      return;
    }
    throw new Overloaded();
  };
}

/** Looks for the key among those of other processes before it refuses; a forged id finds none either way. */
async function requireKnownKey(deps: RefreshDeps, token: ParsedRefreshToken): Promise<void> {
  if (deps.keyring.find('refresh', token.kid)) return;

  await deps.keyring.reload();
  if (!deps.keyring.find('refresh', token.kid)) throw new errors.InvalidGrant('unknown key id');
}

/**
 * The chain of a token whose MAC, client and key are right. Nothing is told before that: not that a session
 * exists, and not why it ended.
 */
async function genuineChain(
  deps: RefreshDeps,
  ctx: GrantContext,
  token: ParsedRefreshToken,
  dPoP: DpopProof | undefined,
): Promise<{ session: DeviceSession; chain: Chain }> {
  const session = await deps.store.get(deviceSessions, token.sessionId);
  const app = session?.apps[String(token.app)];
  const chain = app?.chains[String(token.chain)];
  const key = deps.keyring.find('refresh', token.kid);

  if (!session || !app || !chain || !key) throw new errors.InvalidGrant('no such session');
  if (!verifyRefreshToken(token, chain, key.bytes)) throw new errors.InvalidGrant('MAC mismatch');
  if (app.clientId !== ctx.oidc.client.clientId) throw new errors.InvalidGrant('client mismatch');
  if (chain.token.jkt !== undefined && chain.token.jkt !== dPoP?.thumbprint) {
    throw new errors.InvalidGrant('the DPoP proof is missing or of another key');
  }

  const end = endOfApp(session, String(token.app), deps.clock.now());
  if (end) throw new SessionEnded(end.reason);
  return { session, chain };
}

/** Commits the decision. Answers the serial to give out, or undefined when the chain has moved meanwhile. */
async function carryOut(
  deps: RefreshDeps,
  step: { session: DeviceSession; chain: Chain; token: ParsedRefreshToken; decision: RefreshDecision },
): Promise<number | undefined> {
  const { decision, session, token } = step;
  switch (decision.kind) {
    case 'repeat':
      if (!decision.next) return decision.serial;
      return (await commitChain(deps, { ...step, next: decision.next })) ? decision.serial : undefined;
    case 'advance':
    case 'sibling':
      if (!(await commitChain(deps, { ...step, next: decision.next }))) return undefined;
      tellWhatIsOdd(deps, session, decision);
      return decision.serial;
    case 'late':
      throw new Superseded(decision.retryAfterSeconds);
    case 'theft':
      return endForReuse(deps, session, token);
  }
}

async function commitChain(
  deps: RefreshDeps,
  step: {
    session: DeviceSession;
    chain: Chain;
    token: ParsedRefreshToken;
    next: Chain | Omit<Chain, 'salt' | 'startedAt' | 'lastUsedAt' | 'token'>;
  },
): Promise<boolean> {
  const { session, chain, token, next } = step;
  const now = deps.clock.now();
  const app = ['apps', String(token.app)];
  const at = [...app, 'chains', String(token.chain)];
  const outcome = await deps.store.commit([
    patch(deviceSessions, session.id, {
      when: [
        { path: ['state'], is: 'live' },
        { path: [...app, 'ended'], absent: true },
        { path: [...at, 'revision'], is: chain.revision },
      ],
      set: [
        ...chainChanges(at, next),
        [[...at, 'lastUsedAt'], now],
        [[...app, 'lastActiveAt'], now],
        ...activityChanges(deps, session, now),
      ],
    }),
  ]);
  return outcome.committed;
}

async function endForReuse(
  deps: RefreshDeps,
  session: DeviceSession,
  token: ParsedRefreshToken,
): Promise<never> {
  const cause: Pick<End, 'reason' | 'by'> = { reason: 'reuse', by: 'system' };
  await endApp(deps, { sessionId: session.id, appNumber: String(token.app) }, cause);
  deps.log.warn({ sid: session.id, app: token.app }, 'a stolen refresh token was shown; ended');
  throw new SessionEnded('reuse');
}

function tellWhatIsOdd(deps: RefreshDeps, session: DeviceSession, decision: RefreshDecision): void {
  if (decision.kind !== 'advance') return;

  if (decision.restored) deps.log.warn({ sid: session.id }, 'a refresh token is newer than the store');
  if (decision.suspect) deps.log.warn({ sid: session.id }, 'someone may follow this chain in step');
}

function narrowedScopes(ctx: GrantContext, chain: Chain): Set<string> | undefined {
  const asked = ctx.oidc.params.scope;
  if (typeof asked !== 'string' || asked === '') return undefined;

  const granted = new Set(chain.token.scope?.split(' '));
  const scopes = new Set(asked.split(' '));
  const missing = [...scopes].filter((scope) => !granted.has(scope));
  if (missing.length > 0) {
    throw new errors.InvalidScope('more is asked for than was granted', missing.join(' '));
  }
  return scopes;
}

function appOf(session: DeviceSession, token: ParsedRefreshToken) {
  const app = session.apps[String(token.app)];
  if (!app) throw new errors.InvalidGrant('no such app');
  return app;
}

function withRefresh(gty: string): string {
  return gty.endsWith('refresh_token') ? gty : `${gty} refresh_token`;
}

/** The token of one serial: the same string however often it is asked for. */
function tokenOf(
  deps: RefreshDeps,
  token: ParsedRefreshToken,
  made: { serial: number; salt: string },
): string {
  const key = deps.keyring.current('refresh');
  return formatRefreshToken({ ...token, serial: made.serial, salt: made.salt, kid: key.kid }, key.bytes);
}
