// What a person reads when the server is ready: where it is, who can sign in, where to look.
import type { Config } from '../config/schema.ts';
import { DEMO_PASSWORD, DEMO_SECRET, demoAccounts, demoClients } from '../demo.ts';

export function banner(config: Config, port: number): string {
  const { issuer, listen } = config;
  const place = `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`;
  const behind = issuer === `http://${place}` ? '' : `, listening on ${place}`;
  const lines = [`Strata is ready at ${issuer}${behind}`, ...lookWords(config), ...demoWords(config)];
  return `\n${lines.join('\n')}\n`;
}

function lookWords({ issuer, playground, profile, mail }: Config): string[] {
  const looks: readonly (readonly [string, string] | false)[] = [
    playground && ['playground', `${issuer}/`],
    ['discovery', `${issuer}/.well-known/openid-configuration`],
    ['my devices', `${issuer}/devices`],
    profile === 'development' && mail.smtpUrl === undefined && ['outbox', `${issuer}/outbox`],
  ];
  return looks.filter((look) => look !== false).map(([name, address]) => line(name, address));
}

function demoWords({ demo, issuer }: Config): string[] {
  if (!demo) return [];

  const clients = demoClients(issuer);
  const open = clients.filter((client) => client.client_secret === undefined);
  const secret = clients.filter((client) => client.client_secret !== undefined);
  return [
    '',
    'Demo data, known to everybody:',
    line('accounts', `${demoAccounts.map(({ email }) => email).join(', ')}   password ${DEMO_PASSWORD}`),
    line('clients', `${idsOf(open)}   no secret`),
    line('', `${idsOf(secret)}   secret ${DEMO_SECRET}`),
  ];
}

function idsOf(clients: readonly { client_id?: string | undefined }[]): string {
  return clients.map((client) => client.client_id).join(', ');
}

function line(name: string, words: string): string {
  return `  ${name.padEnd(10)}  ${words}`;
}
