import { describe, expect, it, onTestFinished } from 'vitest';
import { storeMoves } from '../../src/storage/moves.ts';
import { put } from '../../src/storage/store.ts';
import { startTestServer } from '../support/test-server.ts';

describe('readiness', () => {
  it('is over when the records were moved to another store, where sessions may have ended since (I1)', async () => {
    const strata = await startTestServer();
    onTestFinished(() => strata.close());
    const answer = () => fetch(`${strata.origin}/readyz`);
    const move = (phase: 'copying' | 'moved') =>
      strata.store.commit([
        put(storeMoves, 'source', { kind: 'source', copyId: 'c', to: 'elsewhere', phase }),
      ]);

    await move('copying');
    expect((await answer()).status).toBe(200);
    await move('moved');

    const over = await answer();
    expect(over.status).toBe(503);
    expect(await over.json()).toEqual({ status: 'not_ready', reason: 'moved' });
  });
});
