// The engine's view of a refresh token, for introspection and revocation. The refresh grant itself does not
// come here. A token is active while it is the newest of its chain, or one that stands for it.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { Provider } from 'oidc-provider';
import { readOnce } from '../../grants/request-state.ts';
import type { Chain } from '../../sessions/device-session.ts';
import { deviceSessions, endOfApp, grantIdOf } from '../../sessions/device-session.ts';
import { endApp } from '../../sessions/ending.ts';
import { parseRefreshToken, verifyRefreshToken } from '../../sessions/refresh-token.ts';
import type { AdapterDeps } from './adapter-deps.ts';

const YEAR_SECONDS = 365 * 86_400;

export function refreshTokenAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function locate(value: string) {
    const token = parseRefreshToken(value);
    const key = token && deps.keyring.find('refresh', token.kid);
    if (!token || !key) return undefined;

    const session = await readOnce(Provider.ctx, token.sessionId, () =>
      deps.store.get(deviceSessions, token.sessionId),
    );
    const appNumber = String(token.app);
    const app = session?.apps[appNumber];
    const chain = app?.chains[String(token.chain)];
    if (!session || !app || !chain || !verifyRefreshToken(token, chain, key.bytes)) return undefined;
    return { token, session, app, appNumber, chain };
  }

  async function find(value: string): Promise<AdapterPayload | undefined> {
    const located = await locate(value);
    if (!located) return undefined;

    const { session, app, appNumber, chain, token } = located;
    const now = deps.clock.now();
    const isOver = endOfApp(session, appNumber, now) !== undefined || !isCurrent(chain, token.serial);
    const until = session.absoluteUntil ?? now + YEAR_SECONDS * 1000;
    return {
      ...chain.token,
      jti: value,
      kind: 'RefreshToken',
      iat: Math.floor(chain.startedAt / 1000),
      exp: Math.floor(Math.min(until, session.idleUntil ?? until) / 1000),
      ...(session.accountId !== undefined && { accountId: session.accountId }),
      clientId: app.clientId,
      grantId: grantIdOf(session.id, appNumber),
      sid: session.id,
      ...(isOver && { consumed: 1 }),
    };
  }

  async function destroy(value: string): Promise<void> {
    const located = await locate(value);
    if (!located) return;

    const { session, appNumber } = located;
    await endApp(deps, { sessionId: session.id, appNumber }, { reason: 'signed_out', by: session.id });
  }

  return { find, destroy };
}

function isCurrent(chain: Chain, serial: number): boolean {
  return (
    serial === chain.proven ||
    chain.aliases.includes(serial) ||
    chain.unproven.some((token) => token.serial === serial)
  );
}
