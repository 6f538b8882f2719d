// The engine's adapter at its plainest: one record per model, as the engine hands it over, in the store that
// Strata uses. Consuming is conditional, since a store that lets two callers win measures something else.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { RecordType } from '../src/storage/record-type.ts';
import { recordType } from '../src/storage/record-type.ts';
import type { Store } from '../src/storage/store.ts';
import { patch, put, remove } from '../src/storage/store.ts';

type Stored = AdapterPayload & { expiresAt: number };

const models = [
  'AccessToken',
  'AuthorizationCode',
  'ClientCredentials',
  'DeviceCode',
  'Grant',
  'Interaction',
  'PushedAuthorizationRequest',
  'RefreshToken',
  'ReplayDetection',
  'Session',
];

const types = new Map<string, RecordType<Stored>>(models.map((model) => [model, typeOf(model)]));

export const bareRecordTypes: readonly RecordType<object>[] = [...types.values()];

export function bareAdapter(store: Store): (model: string) => Adapter {
  return (model) => {
    const type = types.get(model) ?? typeOf(model);
    const first = async (field: string, value: string) =>
      (await store.list(type, field, value, { limit: 1 })).records[0];
    return {
      find: (id) => store.get(type, id),
      findByUid: (uid) => first('uid', uid),
      findByUserCode: (userCode) => first('userCode', userCode),
      async upsert(id, payload, expiresIn = 0) {
        await store.commit([put(type, id, { ...payload, expiresAt: Date.now() + expiresIn * 1000 })]);
      },
      async consume(id) {
        const outcome = await store.commit([
          patch(type, id, {
            when: [{ path: ['consumed'], absent: true }],
            set: [[['consumed'], Math.floor(Date.now() / 1000)]],
          }),
        ]);
        if (!outcome.committed) throw new errors.InvalidGrant('already consumed');
      },
      async destroy(id) {
        await store.commit([remove(type, id)]);
      },
      async revokeByGrantId(grantId) {
        const { records } = await store.list(type, 'grantId', grantId, { limit: 500 });
        await store.commit(records.map(({ jti }) => remove(type, jti ?? '')));
      },
    };
  };
}

function typeOf(model: string): RecordType<Stored> {
  const name = `bare${model.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
  return recordType<Stored>(name, {
    expiresAt: 'expiresAt',
    indexes: {
      ...(model !== 'Grant' && { grantId: { field: 'grantId' } }),
      ...(model === 'Session' && { uid: { field: 'uid' } }),
      ...(model === 'DeviceCode' && { userCode: { field: 'userCode' } }),
    },
  });
}
