// `strata restore` after MongoDB's own tools have brought the store back: in place, and never beside a server.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFoundation } from '../../../src/foundation.ts';
import { recordTypes } from '../../../src/records.ts';
import { deviceSessions } from '../../../src/sessions/device-session.ts';
import { SWEEPER_LEASE } from '../../../src/sessions/sweeper.ts';
import { acquireLease } from '../../../src/storage/lease.ts';
import { moveSource, storeMoves } from '../../../src/storage/moves.ts';
import { openMovingStore, openStore } from '../../../src/storage/open.ts';
import { lastRestore } from '../../../src/storage/restored.ts';
import { insert, put, type Store } from '../../../src/storage/store.ts';
import { tickets } from '../../../src/tickets/ticket.ts';
import { emptyPlace, type Place } from '../../cli/run-cli.ts';
import { sessionWith } from '../../sessions/session-fixtures.ts';
import { describeMongo, type FreshDatabase, preparedDatabase } from '../../support/mongo.ts';
import { testConfig, testMasterSecret } from '../../support/test-config.ts';

describeMongo('strata restore on MongoDB', () => {
  let database: FreshDatabase;
  let store: Store;
  let place: Place;
  const argv = ['restore', '--sessions', 'end'];

  beforeEach(async () => {
    database = await preparedDatabase(recordTypes);
    store = await openStore({ url: database.url, dataDir: '', types: recordTypes });
    // As a server has it: with keys.
    await openFoundation(testConfig(), { store });
    const session = sessionWith(['web'], { now: store.clock.now() });
    await store.commit([insert(deviceSessions, session.id, session)]);
    const some = Array.from({ length: 99 }, (_, n) =>
      put(tickets, `t${n}`, { expiresAt: store.clock.now() + 3_600_000 } as never),
    );
    await store.commit(some);
    place = await emptyPlace();
  });

  afterEach(async () => {
    await store.close();
    await database.drop();
  });

  const run = () =>
    place.run(argv, {
      env: { STRATA_STORE_URL: database.url, STRATA_MASTER_SECRET: testMasterSecret },
    });

  it('voids in place, and ends the device sessions', async () => {
    const { code, out, err } = await run();

    expect(err).toContain('All else is as it was');
    expect(out).toBe('Void: 99 ticket.\nDevice sessions that were ended: 1.\n');
    expect(code).toBe(0);
    expect((await store.scan(tickets, { limit: 1 })).records).toEqual([]);
    const { records } = await store.scan(deviceSessions, { limit: 2 });
    expect(records).toMatchObject([{ body: { state: 'ended', ended: { reason: 'admin' } } }]);
    expect(await lastRestore(store)).toMatchObject({ state: 'done' });
  });

  it('is refused while a server runs', async () => {
    const lease = await acquireLease(store, SWEEPER_LEASE, { ttlMs: 60_000 });

    const { code, err } = await run();

    expect(err).toMatch(/^A server uses the store, or did less than 15 s ago: stop every server on it/);
    expect(code).toBe(1);
    expect((await store.scan(tickets, { limit: 100 })).records).toHaveLength(99);
    await lease?.release();
  });

  it('leaves a copy alone that is under way beside the server that it is refused by', async () => {
    const move = { kind: 'source', copyId: 'c', to: 'there', phase: 'copying' } as const;
    const mover = await openMovingStore({ url: database.url, dataDir: '', types: recordTypes });
    await mover.commit([put(storeMoves, 'source', move)]);
    const lease = await acquireLease(store, SWEEPER_LEASE, { ttlMs: 60_000 });

    const { code } = await run();

    expect(code).toBe(1);
    expect(await moveSource(mover)).toEqual(move);
    await lease?.release();
    await mover.close();
  });
});
