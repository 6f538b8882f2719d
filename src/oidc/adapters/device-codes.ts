// Device codes: made at /device/authorize, found again by the code that a person types, decided once. The
// typed code is short, so it is found by its MAC and never stored (I7); a decision is one conditional write,
// so that a late duplicate of an approval cannot revive a code that was refused or redeemed.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { errors, Provider } from 'oidc-provider';
import { digest, mac } from '../../core/secrets.ts';
import type { DeviceCodeRecord } from '../../grants/one-time-codes.ts';
import { codeId, deviceCodes } from '../../grants/one-time-codes.ts';
import { requestState } from '../../grants/request-state.ts';
import type { FieldChange } from '../../storage/store.ts';
import { insert, patch } from '../../storage/store.ts';
import type { AdapterDeps } from './adapter-deps.ts';

/** Stands in place of the device code where the record was found by the code that a person typed. */
const FOUND_BY_USER_CODE = '#';
/** What the engine calls an error of ours (grants/refusals.ts). */
const OUTAGE = 'temporarily_unavailable';

export function deviceCodeAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function find(value: string): Promise<AdapterPayload | undefined> {
    const record = await deps.store.get(deviceCodes, recordId(value));
    return record && { ...record.payload, jti: value };
  }

  async function findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    for (const key of deps.keyring.all('ticket')) {
      const userCodeKey = mac(key.bytes, 'user code', userCode);
      const record = await deps.store.find(deviceCodes, 'userCodeKey', userCodeKey);
      if (record) return { ...seenHere(record), userCode, jti: `${FOUND_BY_USER_CODE}${record.id}` };
    }
    return undefined;
  }

  async function upsert(value: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    // The engine writes down whatever went wrong as the person's answer; that the store was away is none.
    if (payload.error === OUTAGE) return;
    const isDecided = payload.accountId !== undefined || payload.error !== undefined;
    if (isDecided) return decide(deps, value, payload);
    if (payload.inFlight) return mark(deps, value);

    const id = recordId(value);
    await deps.store.commit([insert(deviceCodes, id, newRecord(deps, id, { payload, expiresIn }))]);
  }

  return { find, findByUserCode, upsert };
}

function recordId(value: string): string {
  return value.startsWith(FOUND_BY_USER_CODE) ? value.slice(1) : codeId('DeviceCode', value);
}

function newRecord(
  deps: AdapterDeps,
  id: string,
  made: { payload: AdapterPayload; expiresIn: number },
): DeviceCodeRecord {
  const { jti: _value, userCode = '', ...payload } = made.payload;
  const key = deps.keyring.current('ticket');
  return {
    id,
    payload,
    clientId: payload.clientId ?? '',
    userCodeKey: mac(key.bytes, 'user code', userCode),
    // Kept longer than it can be redeemed, so that a device that comes late hears why.
    expiresAt: deps.clock.now() + 2 * made.expiresIn * 1000,
  };
}

/** Somebody is at the confirmation; a second browser with the same code is told that it is in use. */
async function mark(deps: AdapterDeps, value: string): Promise<void> {
  await patchUndecided(deps, value, [
    [['payload', 'inFlight'], true],
    [['confirmedIn'], thisBrowser()],
  ]);
}

/** The browser that confirmed may do so again: its answer may have been lost. */
function seenHere({ payload, confirmedIn }: DeviceCodeRecord): Record<string, unknown> {
  if (confirmedIn === undefined || confirmedIn !== thisBrowser()) return payload;

  const { inFlight: _mark, ...rest } = payload;
  return rest;
}

/** The engine's session is this browser's, signed in or not. */
function thisBrowser(): string | undefined {
  const uid = Provider.ctx?.oidc.session?.uid;
  return uid === undefined ? undefined : digest('browser at a user code', uid);
}

async function decide(deps: AdapterDeps, value: string, payload: AdapterPayload): Promise<void> {
  const plan = Provider.ctx && requestState(Provider.ctx).plan;
  const isApproved = payload.error === undefined && plan !== undefined;
  const { jti: _value, userCode: _userCode, ...rest } = payload;
  await patchUndecided(deps, value, [
    [['payload'], rest],
    [['decision'], isApproved ? 'approved' : 'denied'],
    ...(isApproved ? ([[['plan'], plan]] satisfies FieldChange[]) : []),
  ]);
}

async function patchUndecided(deps: AdapterDeps, value: string, set: FieldChange[]): Promise<void> {
  const outcome = await deps.store.commit([
    patch(deviceCodes, recordId(value), { when: [{ path: ['decision'], absent: true }], set }),
  ]);
  if (!outcome.committed) throw new errors.InvalidRequest('the code was used already or has expired');
}
