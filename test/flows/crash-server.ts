// A server in a process of its own, on a store in a file and on the system's clock, for the test that kills
// it. Its arguments: a port, the directory of the data, and how many people there shall be.
import assert from 'node:assert/strict';
import { createAccount } from '../../src/accounts/account.ts';
import { createServer } from '../../src/server.ts';
import { testConfig } from '../support/test-config.ts';
import { crashApps, crashPassword, crashPerson } from './crash-parties.ts';

const [port, dataDir, people] = process.argv.slice(2);
assert(port !== undefined && dataDir !== undefined, 'started with a port and a directory');
const server = await createServer(
  testConfig({
    issuer: `http://127.0.0.1:${port}`,
    listen: { port: Number(port) },
    dataDir,
    store: { url: 'sqlite:strata.db' },
    log: { level: 'warn' },
  }),
);

for (const metadata of crashApps) await server.clients.ensure(metadata);
const passwordHash = await server.passwords.hash(crashPassword);
for (let n = 0; n < Number(people); n += 1) {
  const { email } = crashPerson(n);
  // Whoever is there since an earlier start stays as they are.
  await createAccount(server, { name: 'Test', email, emailVerified: true, passwordHash });
}
await server.listen();
process.send?.('ready');
