// `strata serve`: runs the server until it is told to stop.
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import type { ClientRecord } from '../clients/client.ts';
import type { ClientRegistry } from '../clients/client-registry.ts';
import type { Config } from '../config/schema.ts';
import { configurationWarnings } from '../config/warnings.ts';
import { createLog, type Log } from '../core/log.ts';
import { openFoundation } from '../foundation.ts';
import type { StrataServer } from '../server.ts';
import { banner } from './banner.ts';
import { pagesOf } from './listing.ts';
import type { Shell } from './shell.ts';
import { type StopSignal, stopSignals } from './stop-signals.ts';
import { type ConfigOption, configOf } from './workspace.ts';

/** Resolves to the exit code when the server has stopped. */
export async function serveCommand(shell: Shell, options: ConfigOption): Promise<number> {
  const config = configOf(shell, options);
  const log = createLog({ level: config.log.level });
  endOnSurprise(log);
  const signals = stopSignals();
  const lost = Promise.withResolvers<'store lost'>();
  try {
    const server = await start(config, log, () => lost.resolve('store lost'));
    const port = await listenOrClose(server);
    await warn(config, log, server.clients);
    shell.terminal.print(banner(config, port));

    const why = await Promise.race([signals.first, lost.promise]);
    log.info({ why }, 'stopping');
    await stop(server, config, why);
    return why === 'store lost' ? 1 : 0;
  } finally {
    signals.release();
  }
}

/** The store opens in its own thread while this one reads the rest of the program. */
async function start(config: Config, log: Log, onLost: () => void): Promise<StrataServer> {
  const opening = openFoundation(config, {
    onStoreLost: (error) => {
      // A process that cannot write must not go on answering as if it could.
      log.fatal({ err: error }, 'the store is lost; ending');
      onLost();
    },
  });
  const [foundation, { createServer }] = await Promise.all([opening, import('../server.ts')]);
  try {
    return await createServer(config, { log, foundation });
  } catch (error) {
    await foundation.close();
    throw error;
  }
}

async function listenOrClose(server: StrataServer): Promise<number> {
  try {
    return await server.listen();
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function warn(config: Config, log: Log, clients: ClientRegistry): Promise<void> {
  for (const warning of configurationWarnings(config)) log.warn({}, warning);
  for await (const page of pagesOf((after) => clients.list(after))) {
    for (const client of page.filter(isWithoutPkce)) {
      log.warn(
        { clientId: client.id },
        'a client may do without PKCE: a code that leaks is worth its tokens',
      );
    }
  }
}

/** Clients without a secret are held to PKCE whatever they are registered with. */
function isWithoutPkce({ metadata, disabled }: ClientRecord): boolean {
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  return metadata.require_pkce === false && !isPublic && !disabled;
}

/** Proxies see that it is not ready while it still serves; then it ends what runs, all within the grace. */
async function stop(server: StrataServer, config: Config, why: StopSignal | 'store lost'): Promise<void> {
  const { announce, grace } = config.shutdown;
  const announceMs = why === 'store lost' ? 0 : Math.min(announce, grace);
  server.announceStop();
  await setTimeout(announceMs);
  await server.close(grace - announceMs);
}

/** An error that nobody caught may have left anything half done; what was committed is on the disk. */
function endOnSurprise(log: Log): void {
  process.once('uncaughtException', (err) => {
    log.fatal({ err }, 'an error that nobody caught; ending');
    process.exit(1);
  });
}
