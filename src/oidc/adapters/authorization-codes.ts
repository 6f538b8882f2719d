// Authorization codes are written here, with the plan of the session that they will start or join, and
// redeemed by grants/authorization-code.ts alone.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors, Provider } from 'oidc-provider';
import { authorizationCodes, codeId, RACE_WINDOW_MS } from '../../grants/one-time-codes.ts';
import { requestState } from '../../grants/request-state.ts';
import { insert } from '../../storage/store.ts';
import type { AdapterDeps } from './adapter-deps.ts';

export function authorizationCodeAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function upsert(value: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const plan = Provider.ctx && requestState(Provider.ctx).plan;
    if (!plan) throw new errors.AccessDenied('there is no session that this code could belong to');

    const { jti: _value, ...rest } = payload;
    // Kept a little longer than it can be redeemed, so that a replay is known for what it is.
    const expiresAt = deps.clock.now() + expiresIn * 1000 + RACE_WINDOW_MS;
    await deps.store.commit([
      insert(authorizationCodes, codeId('AuthorizationCode', value), { payload: rest, plan, expiresAt }),
    ]);
  }

  return { upsert };
}
