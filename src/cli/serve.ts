// `strata serve`: runs the server until it is told to stop.
import type { LoadOptions } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { configurationWarnings } from '../config/warnings.ts';
import { createLog } from '../core/log.ts';
import { DEMO_PASSWORD, DEMO_SECRET, demoAccounts, demoClients } from '../demo.ts';
import { createServer } from '../server.ts';

export async function serve(options: LoadOptions): Promise<number> {
  const config = loadConfig(options);
  const log = createLog({ level: config.log.level });
  for (const warning of configurationWarnings(config)) log.warn({}, warning);
  const server = await createServer(config, { log });
  const stopped = signalToStop();
  await server.listen();
  process.stdout.write(banner(config));

  await stopped;
  await server.close();
  return 0;
}

function signalToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function banner(config: Config): string {
  const lines = [`Strata is ready at ${config.issuer}`];
  if (config.demo) {
    lines.push(
      `  accounts  ${demoAccounts.map(({ email }) => email).join(', ')}   password: ${DEMO_PASSWORD}`,
      `  clients   ${demoClients(config.issuer)
        .map((client) => client.client_id)
        .join(', ')}   secret: ${DEMO_SECRET}`,
      `  mail      ${config.issuer}/outbox`,
    );
  }
  return `${lines.join('\n')}\n`;
}
