// Pushed authorization requests (RFC 9126), used once: of parallel uses one gets a code.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { insert, patch } from '../../storage/store.ts';
import { engineId, openPayload, pushedRequests, sealPayload } from '../engine-records.ts';
import type { AdapterDeps } from './adapter-deps.ts';

const MODEL = 'PushedAuthorizationRequest';

export function pushedRequestAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function find(value: string): Promise<AdapterPayload | undefined> {
    const id = engineId(MODEL, value);
    const record = await deps.store.get(pushedRequests, id);
    const payload = record && openPayload(deps.keyring, id, record.sealed);
    return (
      payload && { ...payload, ...(record?.consumedAt !== undefined && { consumed: record.consumedAt }) }
    );
  }

  async function upsert(value: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const id = engineId(MODEL, value);
    const sealed = sealPayload(deps.keyring, id, payload);
    const expiresAt = deps.clock.now() + expiresIn * 1000;
    await deps.store.commit([insert(pushedRequests, id, { sealed, expiresAt })]);
  }

  async function consume(value: string): Promise<void> {
    const outcome = await deps.store.commit([
      patch(pushedRequests, engineId(MODEL, value), {
        when: [{ path: ['consumedAt'], absent: true }],
        set: [[['consumedAt'], deps.clock.now()]],
      }),
    ]);
    if (!outcome.committed) throw new errors.InvalidRequestUri('request_uri was already used');
  }

  return { find, upsert, consume };
}
