// Opaque access tokens, of accounts and of API apps in one place. The engine asks for both models when it
// introspects; one read answers both.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { Provider } from 'oidc-provider';
import { readOnce } from '../../grants/request-state.ts';
import { put, remove } from '../../storage/store.ts';
import { accessTokens, engineId } from '../engine-records.ts';
import type { AdapterDeps } from './adapter-deps.ts';

/** Opaque tokens of the engine have 43 characters; anything else costs no read. */
const shape = /^[\w-]{43}$/;

export function accessTokenAdapter(
  deps: AdapterDeps,
  model: 'AccessToken' | 'ClientCredentials',
): Partial<Adapter> {
  async function find(value: string): Promise<AdapterPayload | undefined> {
    if (!shape.test(value)) return undefined;

    const id = engineId('AccessToken', value);
    const record = await readOnce(Provider.ctx, id, () => deps.store.get(accessTokens, id));
    if (record?.payload.kind !== model) return undefined;
    return { ...record.payload, jti: value };
  }

  async function upsert(value: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const { jti: _value, ...rest } = payload;
    const expiresAt = deps.clock.now() + expiresIn * 1000;
    await deps.store.commit([
      put(accessTokens, engineId('AccessToken', value), { payload: rest, expiresAt }),
    ]);
  }

  async function destroy(value: string): Promise<void> {
    await deps.store.commit([remove(accessTokens, engineId('AccessToken', value))]);
  }

  return { find, upsert, destroy };
}
