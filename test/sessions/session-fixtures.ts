// Sessions for tests of pure functions and of those that only need a store.
import { platformsSection } from '../../src/config/platforms.ts';
import { type AccountId, newAccountId, newSessionId } from '../../src/core/ids.ts';
import { firstApp, type Issuance } from '../../src/sessions/apps.ts';
import type { App, DeviceSession } from '../../src/sessions/device-session.ts';
import { newDeviceSession } from '../../src/sessions/new-session.ts';

export const platforms = platformsSection.parse({});

export function issuance(clientId: string, more: Partial<Issuance> = {}): Issuance {
  return {
    clientId,
    grant: { openid: 'openid', resources: {} },
    chain: { token: { gty: 'authorization_code' }, salt: `salt of ${clientId}` },
    ...more,
  };
}

/** A live session with one app for each client, numbered from 1. */
export function sessionWith(
  clientIds: readonly string[],
  more: { now: number; accountId?: AccountId; platform?: string },
): DeviceSession & { accountId: AccountId } {
  const { now, accountId = newAccountId(), platform = 'web' } = more;
  const apps = clientIds.map((clientId, index): [string, App] => [
    String(index + 1),
    { ...firstApp(issuance(clientId), now), lastActiveAt: now + index },
  ]);
  return {
    ...newDeviceSession(
      {
        id: newSessionId(),
        accountId,
        platform,
        device: { name: platform },
        auth: { time: Math.floor(now / 1000), acr: 'one', amr: ['pwd'] },
        startedBy: { how: 'password' },
      },
      { now, platforms },
    ),
    nextApp: clientIds.length + 1,
    apps: Object.fromEntries(apps),
  };
}
