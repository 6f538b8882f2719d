import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseDemoData } from '../src/demo.ts';
import { createServer } from '../src/server.ts';
import { testConfig, testMasterSecret } from './support/test-config.ts';

const bin = fileURLToPath(new URL('../bin/strata.js', import.meta.url));

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'strata-demo-'));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

/** A server of the development profile that has started once on the database and stopped. */
async function startOnce(demo: boolean, startedWith = async (_server: Server) => {}): Promise<void> {
  const server = await createServer(testConfig({ dataDir, store: { url: 'sqlite:strata.db' }, demo }));
  await startedWith(server);
  await server.close();
}

type Server = Awaited<ReturnType<typeof createServer>>;

describe('refuseDemoData', () => {
  it('refuses a database that the development profile has seeded', async () => {
    await startOnce(true, async ({ clients }) => {
      await expect(refuseDemoData(clients)).rejects.toMatchObject({ code: 'conflict' });
    });
  });

  it('finds what was seeded among however many other clients', async () => {
    await startOnce(true, async ({ clients }) => {
      const many = Array.from({ length: 250 }, (_, index) => ({ client_id: `a${index}`, client_name: 'A' }));
      await clients.createAll(many);

      await expect(refuseDemoData(clients)).rejects.toMatchObject({ code: 'conflict' });
    });
  });

  it('has nothing against a database without any', async () => {
    await startOnce(false, async ({ clients }) => {
      await clients.create({ client_id: 'demo-shop', client_name: 'An operator may call a client that' });

      await expect(refuseDemoData(clients)).resolves.toBeUndefined();
    });
  });

  it('holds for one that a version before this rule has seeded, once it was started again', async () => {
    await startOnce(false, async ({ clients }) => {
      await clients.ensure({ client_id: 'demo-tv', client_name: 'Demo TV' });
    });
    await startOnce(true, async ({ clients }) => {
      expect(await clients.find('demo-tv')).toMatchObject({ demo: true });
    });
  });
});

describe('strata serve in production', () => {
  it('does not start on demo data, and says so in one sentence', async () => {
    await startOnce(true);
    const file = join(dataDir, 'strata.yaml');
    writeFileSync(file, 'profile: production\nissuer: https://id.example.com\n');

    const { status, stderr } = spawnSync(process.execPath, [bin, 'serve'], {
      encoding: 'utf8',
      timeout: 15_000,
      env: {
        STRATA_CONFIG: file,
        STRATA_DATA_DIR: dataDir,
        STRATA_MASTER_SECRET: testMasterSecret,
        STRATA_LOG_LEVEL: 'silent',
        PORT: '0',
      },
    });

    expect(stderr).toMatch(/^The database has demo data in it \(client [\w-]+\), .+\.\n$/);
    expect(status).toBe(1);
  });
});
