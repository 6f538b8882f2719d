import { describe, expect, it } from 'vitest';
import { seal } from '../../src/core/secrets.ts';
import { masterKeyOf } from '../../src/keys/master-secret.ts';
import { unwrap, wrap } from '../../src/keys/wrapping.ts';

const old = masterKeyOf('the old master secret');
const fresh = masterKeyOf('the new master secret');
const stranger = masterKeyOf('the secret of somebody else');
const bytes = Buffer.from('a key that is wrapped');
const byOld = { id: 'qr.1', ...wrap(old, 'qr.1', bytes) };
/** As the first release wrote them. */
const unnamed = { id: 'qr.1', sealed: seal(old.bytes, bytes, 'qr.1') };

describe('unwrap', () => {
  it.each([
    ['the current master', { current: old }, byOld],
    ['the one before it', { current: fresh, previous: old }, byOld],
    ['the current one, unnamed', { current: old, previous: stranger }, unnamed],
    ['the one before it, unnamed', { current: fresh, previous: old }, unnamed],
  ])('opens what was wrapped by %s and says by which', (_name, masters, record) => {
    expect(unwrap(masters, record)).toEqual({ bytes, master: old.id });
  });

  it.each([
    [
      'another secret',
      { current: fresh },
      byOld,
      `the key qr.1 in the store wants the master secret ${old.id}, and the one that is set is ${fresh.id}`,
    ],
    [
      'two other secrets',
      { current: fresh, previous: stranger },
      byOld,
      `the key qr.1 in the store wants the master secret ${old.id}, and the one that is set is ${fresh.id}, before it ${stranger.id}`,
    ],
    [
      'another secret than that of a key without a name',
      { current: fresh, previous: stranger },
      unnamed,
      `the key qr.1 in the store was wrapped with another master secret than the one that is set (${fresh.id}, before it ${stranger.id})`,
    ],
    [
      'the place of another key',
      { current: old },
      { ...byOld, id: 'qr.2' },
      `the key qr.2 in the store is damaged: the master secret ${old.id}, which it names, does not open it`,
    ],
    [
      'the name of the wrong master',
      { current: fresh, previous: old },
      { ...byOld, master: fresh.id },
      `the key qr.1 in the store is damaged: the master secret ${fresh.id}, which it names, does not open it`,
    ],
    [
      'a text that is no ciphertext',
      { current: old },
      { ...byOld, sealed: 'x' },
      `the key qr.1 in the store is damaged: the master secret ${old.id}, which it names, does not open it`,
    ],
  ])('with %s refuses, and names the key and the master', (_name, masters, record, detail) => {
    expect(() => unwrap(masters, record)).toThrow(
      expect.objectContaining({ code: 'store_unavailable', detail }),
    );
  });
});
