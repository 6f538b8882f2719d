// What a restored store forgets and what it keeps, record type by record type, and that it is never half done.
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type AccountId, newAccountId, type SessionId } from '../../src/core/ids.ts';
import { openFoundation } from '../../src/foundation.ts';
import { type Keyring, openKeyring } from '../../src/keys/keyring.ts';
import { masterKeyOf } from '../../src/keys/master-secret.ts';
import { browserSessions, sealPayload } from '../../src/oidc/engine-records.ts';
import { voidUnused } from '../../src/operations/restore.ts';
import { fates, type SessionsChoice, voidStore } from '../../src/operations/voiding.ts';
import { recordTypes } from '../../src/records.ts';
import { deviceSessions, endOf } from '../../src/sessions/device-session.ts';
import { emptyRoster, rosters } from '../../src/sessions/roster.ts';
import { SWEEPER_LEASE } from '../../src/sessions/sweeper.ts';
import { acquireLease } from '../../src/storage/lease.ts';
import { openStore } from '../../src/storage/open.ts';
import type { RecordType } from '../../src/storage/record-type.ts';
import { lastRestore, restores } from '../../src/storage/restored.ts';
import { insert, put, type Store } from '../../src/storage/store.ts';
import { tickets } from '../../src/tickets/ticket.ts';
import { sessionWith } from '../sessions/session-fixtures.ts';
import { forwardingStore } from '../support/forwarding-store.ts';
import { type TestClock, testClock } from '../support/test-clock.ts';
import { testConfig, testMasterSecret } from '../support/test-config.ts';

const HOUR = 3_600_000;
const config = testConfig();

let clock: TestClock;
let store: Store;
let keyring: Keyring;

beforeEach(async () => {
  clock = testClock();
  store = await openStore({ url: 'sqlite::memory:', dataDir: '/nowhere', clock, types: recordTypes });
  onTestFinished(() => store.close());
  keyring = await openKeyring({ store, clock, masters: { current: masterKeyOf(testMasterSecret) } });
});

function runVoiding(choice: SessionsChoice, on: Store = store) {
  return voidStore({ store: on, keyring, config }, choice);
}

async function idsOf(type: RecordType<object>): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.scan(type, { limit: 1000, ...(after !== undefined && { after }) });
    ids.push(...page.records.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

/** One live record of every type that is not there already, as `one`. */
async function fill(): Promise<void> {
  const accountId = 'one' as AccountId;
  const session = { ...sessionWith(['web'], { now: clock.now(), accountId }), id: 'one' as SessionId };
  const sealed = (payload: object) => sealPayload(keyring, 'one', payload);
  const bodies = new Map<RecordType<object>, object>([
    [deviceSessions, session],
    [rosters, { ...emptyRoster(accountId), version: 1, entries: [{ sid: session.id }] }],
    [browserSessions, { sealed: sealed({ deviceSessionId: session.id }) }],
  ]);
  const filled = recordTypes.filter(({ name }) => !['key', 'restore'].includes(name));
  const times = { expiresAt: clock.now() + HOUR, until: clock.now() + HOUR, keepUntil: clock.now() + HOUR };
  await store.commit(filled.map((type) => put(type, 'one', { ...times, ...bodies.get(type) })));
}

describe('the table of fates', () => {
  it('names every record type of the product, so that nobody forgets one', () => {
    const name = ({ name }: RecordType<object>) => name;
    expect([...fates.keys()].map(name).toSorted()).toEqual(recordTypes.map(name).toSorted());
  });

  it('voids what is used once', () => {
    const voided = [...fates].filter(([, fate]) => fate === 'voided').map(([{ name }]) => name);
    expect(voided).toEqual([
      'access_token',
      'authorization_code',
      'device_code',
      'interaction',
      'pushed_request',
      'qr_transaction',
      'ticket',
      'used_proof',
    ]);
  });

  it.each(['keep', 'end'] as const)('is what happens, with --sessions %s', async (choice) => {
    await fill();

    const { voided } = await runVoiding(choice);

    for (const [type, fate] of fates) {
      const gone = fate === 'voided';
      expect([type.name, (await idsOf(type)).includes('one')]).toEqual([
        type.name,
        !gone && !['key', 'restore'].includes(type.name),
      ]);
      expect([type.name, voided.get(type.name)]).toEqual([type.name, gone ? 1 : undefined]);
    }
  });
});

describe('voidStore', () => {
  it('voids any number of records', async () => {
    const expiresAt = clock.now() + HOUR;
    for (let n = 0; n < 1_300; n += 100) {
      const some = Array.from({ length: 100 }, (_, m) => put(tickets, `t${n + m}`, { expiresAt } as never));
      await store.commit(some);
    }

    const { voided } = await runVoiding('keep');

    expect(voided.get('ticket')).toBe(1_300);
    expect(await idsOf(tickets)).toEqual([]);
  });

  it('voids sign-ins in browsers that have not come to a device session, and keeps the others', async () => {
    const expiresAt = clock.now() + HOUR;
    const record = (id: string, payload: object) => {
      const sealed = sealPayload(keyring, id, payload);
      return insert(browserSessions, id, { id, uid: id, savedAt: 1, expiresAt, sealed });
    };
    await store.commit([
      record('signed-in', { deviceSessionId: 'ses_1' }),
      record('half-way', { accountId: 'acc_1' }),
      insert(browserSessions, 'lost key', { id: 'x', uid: 'x', savedAt: 1, expiresAt, sealed: '99.abc' }),
    ]);

    const { voided } = await runVoiding('keep');

    expect(await idsOf(browserSessions)).toEqual(['signed-in']);
    expect(voided.get('browser_session')).toBe(2);
  });

  it('makes a key for nonces that is in use at once', async () => {
    const before = keyring.current('dpop');

    await runVoiding('keep');

    expect(keyring.current('dpop').bytes).not.toEqual(before.bytes);
    expect(keyring.find('dpop', before.kid)).toBeUndefined();
  });

  it('keeps sessions that would have run idle in the time that was forgotten, not those that had before', async () => {
    const old = sessionWith(['web'], { now: clock.now(), platform: 'web' });
    clock.advance(30 * 24 * HOUR);
    const fresh = sessionWith(['web'], { now: clock.now(), platform: 'web' });
    await store.commit([old, fresh].map((session) => insert(deviceSessions, session.id, session)));
    const sinceBackup = (fresh.idleUntil ?? 0) - clock.now() + HOUR;
    clock.advance(sinceBackup);

    const { sessions } = await runVoiding('keep');

    expect(sessions).toBe(1);
    const [kept, ended] = await Promise.all([fresh, old].map(({ id }) => store.get(deviceSessions, id)));
    if (!kept || !ended) throw new Error('both are there');
    expect(endOf(kept, clock.now())).toBeUndefined();
    expect(endOf(ended, clock.now())?.reason).toBe('idle');
  });

  it('ends sessions so that whoever proved himself before cannot start another (I1)', async () => {
    const accountId = newAccountId();
    const sessions = [1, 2].map(() => sessionWith(['web'], { now: clock.now(), accountId }));
    const [listed, unlisted] = sessions;
    if (!listed || !unlisted) throw new Error('two sessions');
    const entry = { sid: listed.id, platform: 'web', startedAt: 1, apps: [] };
    await store.commit([
      ...sessions.map((session) => insert(deviceSessions, session.id, session)),
      insert(rosters, accountId, { accountId, version: 1, notBefore: 0, entries: [entry] }),
    ]);
    clock.advance(1_000);

    expect((await runVoiding('end')).sessions).toBe(2);

    for (const { id } of sessions) {
      expect(await store.get(deviceSessions, id)).toMatchObject({
        state: 'ended',
        ended: { reason: 'admin', by: 'admin:restore', at: clock.now() },
        todo: ['notice'],
        purgeAt: clock.now() + config.sessions.tombstones,
      });
    }
    expect(await store.get(rosters, accountId)).toMatchObject({ notBefore: clock.now(), entries: [] });
  });

  it.each(['keep', 'end'] as const)(
    'that was interrupted at any write lets no server start, and is finished by the next (--sessions %s)',
    async (choice) => {
      for (let nth = 2; ; nth += 1) {
        await fill();
        const dying = dyingAt(nth);
        const isDone = await runVoiding(choice, dying).then(
          () => true,
          () => false,
        );
        if (isDone) {
          expect(nth).toBeGreaterThan(8);
          return;
        }

        expect(await lastRestore(store)).toMatchObject({ state: 'voiding' });
        await expect(openFoundation(config, { store })).rejects.toMatchObject({
          detail: expect.stringContaining('run strata restore again'),
        });
        await runVoiding(choice);
        expect((await openFoundation(config, { store })).restoredAt).toBe(clock.now());
        for (const [type, fate] of fates) if (fate === 'voided') expect(await idsOf(type)).toEqual([]);
      }
    },
  );

  function dyingAt(nth: number): Store {
    let commits = 0;
    return forwardingStore(store, {
      commit: async (writes) => {
        commits += 1;
        if (commits >= nth) throw new Error('killed');
        return store.commit(writes);
      },
    });
  }
});

describe('a restore in place', () => {
  it('is refused while a server holds its lease, and changes nothing', async () => {
    await fill();
    const lease = await acquireLease(store, SWEEPER_LEASE, { ttlMs: 15_000 });

    await expect(voidUnused(store, config, 'keep')).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringMatching(/^a server uses the store, or did less than 15 s ago/),
    });

    expect(await idsOf(tickets)).toEqual(['one']);
    expect(await store.get(restores, 'last')).toBeUndefined();
    await lease?.release();
    expect((await voidUnused(store, config, 'keep')).voided.get('ticket')).toBe(1);
  });

  it('is refused with another master secret, and changes nothing', async () => {
    await fill();
    const other = { ...config, masterSecret: 'another one of thirty-two characters' };

    await expect(voidUnused(store, other, 'keep')).rejects.toMatchObject({
      detail: expect.stringContaining('wants the master secret'),
    });

    expect(await idsOf(tickets)).toEqual(['one']);
    expect(await store.get(restores, 'last')).toBeUndefined();
  });
});
