// Interactions: an authorization request that waits for a person. They hold the parameters of the request
// and the id of the browser's session, so they are sealed.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { put, remove } from '../../storage/store.ts';
import { engineId, interactions, openPayload, sealPayload } from '../engine-records.ts';
import type { AdapterDeps } from './adapter-deps.ts';

export function interactionAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function find(uid: string): Promise<AdapterPayload | undefined> {
    const id = engineId('Interaction', uid);
    const record = await deps.store.get(interactions, id);
    return record && openPayload(deps.keyring, id, record.sealed);
  }

  async function upsert(uid: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const id = engineId('Interaction', uid);
    const sealed = sealPayload(deps.keyring, id, payload);
    await deps.store.commit([
      put(interactions, id, { sealed, expiresAt: deps.clock.now() + expiresIn * 1000 }),
    ]);
  }

  async function destroy(uid: string): Promise<void> {
    await deps.store.commit([remove(interactions, engineId('Interaction', uid))]);
  }

  return { find, upsert, destroy };
}
