// Who takes part when a server is killed: known to the server's process and to the one that kills it.
import type { ClientMetadata } from '../../src/clients/client.ts';
import { nativeApp, tvApp, webApp } from '../support/app.ts';
import type { Person } from '../support/sign-in.ts';

export const crashPassword = 'correct horse battery';
const secret = { client_secret: 'a-secret-that-is-long-enough' };

export const crashApps: readonly (ClientMetadata & { client_id: string })[] = [
  { ...webApp, ...secret, client_id: 'notes' },
  { ...webApp, ...secret, client_id: 'mail', redirect_uris: ['https://mail.example/callback'] },
  { ...nativeApp, client_id: 'phone' },
];

export const crashTv = { ...tvApp, client_id: 'tv' } satisfies ClientMetadata;

export function crashPerson(n: number): Person {
  return { email: `person-${n}@example.com`, password: crashPassword };
}
