// The engine's Session: what the browser's cookie names. It says which device session the browser has, and
// nothing more about who is signed in: account, time and strength of the sign-in are read from the device
// session each time. Where that has ended or run out, the browser is signed out, and the request knows why.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { Provider } from 'oidc-provider';
import { accounts } from '../../accounts/account.ts';
import { readOnce, requestState } from '../../grants/request-state.ts';
import type { DeviceSession } from '../../sessions/device-session.ts';
import { deviceSessions, endOf } from '../../sessions/device-session.ts';
import { put, remove, type Write } from '../../storage/store.ts';
import {
  type BrowserSessionRecord,
  browserSessions,
  engineId,
  openPayload,
  sealPayload,
} from '../engine-records.ts';
import type { AdapterDeps } from './adapter-deps.ts';

/** An unchanged session is written again only when its record would expire so much later. */
const PROLONG_MS = 600_000;

export function browserSessionAdapter(deps: AdapterDeps): Partial<Adapter> {
  async function find(value: string): Promise<AdapterPayload | undefined> {
    const id = engineId('Session', value);
    const record = await deps.store.get(browserSessions, id);
    const payload = record && openPayload(deps.keyring, id, record.sealed);
    if (!record || !payload) return undefined;

    remember(value, payload, record);
    return { ...(await signedIn(deps, payload)), jti: value };
  }

  async function findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const key = engineId('Session uid', uid);
    const page = await deps.store.list(browserSessions, 'uid', key, { limit: 1, newestFirst: true });
    const [record] = page.records;
    const payload = record && openPayload(deps.keyring, record.id, record.sealed);
    return payload && signedIn(deps, payload);
  }

  async function upsert(value: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const expiresAt = deps.clock.now() + expiresIn * 1000;
    const content = contentOf(payload);
    if (isKnown(value, content, expiresAt)) return;

    await endSignedOut('app');
    const state = Provider.ctx && requestState(Provider.ctx);
    const { replacedSession, storedSession: stored } = state ?? {};
    const id = engineId('Session', value);
    const record: BrowserSessionRecord = {
      id,
      sealed: sealPayload(deps.keyring, id, content),
      uid: engineId('Session uid', payload.uid ?? ''),
      // Of two with one uid the later counts.
      savedAt: Math.max(deps.clock.now(), (stored?.savedAt ?? 0) + 1),
      expiresAt,
      ...(replacedSession !== undefined && { replaces: engineId('Session', replacedSession) }),
    };
    await deps.store.commit([put(browserSessions, id, record), ...forgetting(stored?.replaces)]);
  }

  async function destroy(value: string): Promise<void> {
    if (isReplaced(value)) return;

    await endSignedOut('session');
    const stored = Provider.ctx && requestState(Provider.ctx).storedSession;
    const older = stored?.value === value ? stored.replaces : undefined;
    await deps.store.commit([remove(browserSessions, engineId('Session', value)), ...forgetting(older)]);
  }

  return { find, findByUid, upsert, destroy };
}

/** What a request signs out ends before the browser forgets it: whoever hears nothing can ask again. */
async function endSignedOut(what: 'session' | 'app'): Promise<void> {
  const state = Provider.ctx && requestState(Provider.ctx);
  await state?.endSignedOut?.(what);
}

/**
 * A session that gets another id is destroyed and then saved. The browser knows the old id alone until it has the
 * answer, so that stays until it comes back with the new one; else a lost answer would sign it out.
 */
function isReplaced(value: string): boolean {
  const { ctx } = Provider;
  // Members of the engine's session that are not in the types.
  const { oldId, destroyed } = (ctx?.oidc.session ?? {}) as { oldId?: string; destroyed?: boolean };
  if (!ctx || destroyed || oldId !== value) return false;

  requestState(ctx).replacedSession = value;
  return true;
}

/** The record that the one which the browser has shown came in place of. */
function forgetting(replaced: string | undefined): Write[] {
  return replaced === undefined ? [] : [remove(browserSessions, replaced)];
}

async function signedIn(deps: AdapterDeps, payload: Record<string, unknown>): Promise<AdapterPayload> {
  const { deviceSessionId } = payload;
  if (typeof deviceSessionId !== 'string') return withActiveAccount(deps, payload);

  const { ctx } = Provider;
  const session = await readOnce(ctx, deviceSessionId, () => deps.store.get(deviceSessions, deviceSessionId));
  const end = session && endOf(session, deps.clock.now());
  if (session && end && ctx) requestState(ctx).endedSession = { end, platform: session.platform };
  if (!session || end) return payload;

  if (ctx) requestState(ctx).deviceSession = session;
  return withActiveAccount(deps, { ...payload, ...identityOf(session) });
}

/** A browser whose account is locked or gone is signed out. */
async function withActiveAccount(
  deps: AdapterDeps,
  payload: Record<string, unknown>,
): Promise<AdapterPayload> {
  const { accountId } = payload;
  if (typeof accountId !== 'string') return payload;

  const account = await readOnce(Provider.ctx, accountId, () => deps.store.get(accounts, accountId));
  if (account?.state === 'active') return payload;

  const { accountId: _account, loginTs: _time, acr: _acr, amr: _amr, ...signedOut } = payload;
  return signedOut;
}

function identityOf(session: DeviceSession) {
  const { accountId, auth } = session;
  return {
    ...(accountId !== undefined && { accountId }),
    ...(auth && { loginTs: auth.time, acr: auth.acr, amr: auth.amr }),
  };
}

/** What is stored: with a device session the engine's copy of who is signed in is left out. */
function contentOf(payload: AdapterPayload): Record<string, unknown> {
  const { jti: _value, exp: _exp, iat: _iat, ...content } = payload as Record<string, unknown>;
  if (content.deviceSessionId === undefined) return content;

  const { accountId: _account, loginTs: _time, acr: _acr, amr: _amr, ...rest } = content;
  return rest;
}

function remember(value: string, payload: Record<string, unknown>, record: BrowserSessionRecord): void {
  const { ctx } = Provider;
  if (!ctx) return;

  const { expiresAt, savedAt, replaces } = record;
  const content = JSON.stringify(payload);
  requestState(ctx).storedSession = { value, content, expiresAt, savedAt, ...(replaces && { replaces }) };
}

function isKnown(value: string, content: Record<string, unknown>, expiresAt: number): boolean {
  const stored = Provider.ctx && requestState(Provider.ctx).storedSession;
  return (
    stored?.value === value &&
    stored.replaces === undefined &&
    stored.content === JSON.stringify(content) &&
    expiresAt - stored.expiresAt < PROLONG_MS
  );
}
