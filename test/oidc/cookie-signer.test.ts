import { describe, expect, it } from 'vitest';
import { openKeyring } from '../../src/keys/keyring.ts';
import { masterKeyOf } from '../../src/keys/master-secret.ts';
import { cookieSigner } from '../../src/oidc/cookie-signer.ts';
import { recordTypes } from '../../src/records.ts';
import { openStore } from '../../src/storage/open.ts';
import { testClock } from '../support/test-clock.ts';

const LEAD_MS = 600_000;
const KEEP_MS = 86_400_000;
const data = 'session=abc';

async function setUp() {
  const clock = testClock();
  const store = await openStore({ url: 'sqlite::memory:', dataDir: '', clock, types: recordTypes });
  const keyring = await openKeyring({ store, clock, masters: { current: masterKeyOf('test') } });
  return { clock, keyring, signer: cookieSigner(keyring) };
}

describe('cookieSigner', () => {
  it('knows what it signed, and nothing else', async () => {
    const { signer } = await setUp();
    const signature = signer.sign(data);

    expect(signer.index(data, signature)).toBe(0);
    expect(signer.verify(data, signature)).toBe(true);
    expect(signer.verify('session=abd', signature)).toBe(false);
    expect(signer.verify(data, signature.slice(1))).toBe(false);
    expect(signer.verify(data, '')).toBe(false);
  });

  it('signs with a new key when its turn has come, and still knows what the old one signed', async () => {
    const { clock, keyring, signer } = await setUp();
    const old = signer.sign(data);
    await keyring.rotate('cookie', { leadMs: LEAD_MS, keepMs: KEEP_MS });

    expect(signer.sign(data)).toBe(old);
    clock.advance(LEAD_MS);
    expect(signer.sign(data)).not.toBe(old);
    expect(signer.index(data, old)).toBe(1);
    clock.advance(KEEP_MS);
    await keyring.reload();
    expect(signer.index(data, old)).toBe(-1);
  });
});
