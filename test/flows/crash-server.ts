// A server in a process of its own, on the clock that its store goes by, for the test that kills it. Its
// arguments: a port, the store's URL, the directory of the data, and how many people there shall be.
import assert from 'node:assert/strict';
import { createAccount } from '../../src/accounts/account.ts';
import { createServer } from '../../src/server.ts';
import { testConfig } from '../support/test-config.ts';
import { crashApps, crashPassword, crashPerson, crashTv } from './crash-parties.ts';

const [port, url, dataDir, people] = process.argv.slice(2);
assert(url !== undefined && dataDir !== undefined, 'started with a port, a store and a directory');
const server = await createServer(
  testConfig({
    issuer: `http://127.0.0.1:${port}`,
    listen: { port: Number(port) },
    dataDir,
    store: { url },
    log: { level: 'warn' },
  }),
);

for (const metadata of [...crashApps, crashTv]) await server.clients.ensure(metadata);
const passwordHash = await server.passwords.hash(crashPassword);
const created = Array.from({ length: Number(people) }, (_, n) =>
  // Whoever is there since an earlier start stays as they are.
  createAccount(server, { name: 'Test', email: crashPerson(n).email, emailVerified: true, passwordHash }),
);
await Promise.all(created);
await server.listen();
process.send?.('ready');
