// A way to a MongoDB server on which replies get lost: the command arrives and is carried out, then the
// connection breaks before its answer is through. Works with any server that is reached without TLS.
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { BSON, MongoClient } from 'mongodb';

export interface LossyRoute {
  /** As the one that it leads to, through this route. */
  readonly url: string;
  /** Loses the replies to the next commands of this name. */
  lose(command: string, times?: number): void;
  /** How many were lost. */
  readonly lost: number;
  /** Breaks all connections and takes no more. */
  cut(): void;
}

const HEADER_BYTES = 16;
const OP_MSG = 2013;

export async function lossyRoute(url: string): Promise<LossyRoute> {
  const { host, port } = await primaryOf(url);
  const sockets = new Set<Socket>();
  let losing = { command: '', left: 0 };
  let lost = 0;

  const server = createServer((client) => {
    const database = createConnection({ host, port });
    const doomed = new Set<number>();
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
    client.on(
      'data',
      wholeMessages((message) => {
        if (losing.left > 0 && commandOf(message) === losing.command) {
          losing.left -= 1;
          doomed.add(message.readInt32LE(4));
        }
        database.write(message);
      }),
    );
    database.on(
      'data',
      wholeMessages((message) => {
        if (!doomed.has(message.readInt32LE(8))) return client.write(message);
        lost += 1;
        return client.destroy();
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function cut(): void {
    server.close();
    for (const socket of sockets) socket.destroy();
  }

  return {
    url: routed(url, (server.address() as AddressInfo).port),
    lose(command, times = 1) {
      losing = { command, left: times };
    },
    get lost() {
      return lost;
    },
    cut,
  };
}

async function primaryOf(url: string): Promise<{ host: string; port: number }> {
  const client = await MongoClient.connect(url);
  const { primary, me } = await client.db('admin').command({ hello: 1 });
  const [seed] = client.options.hosts;
  await client.close();
  const { hostname, port } = new URL(`mongodb://${primary ?? me ?? seed}`);
  return { host: hostname, port: Number(port) };
}

/** The driver would otherwise learn the server's own address, and go there. */
function routed(url: string, port: number): string {
  const way = new URL(url.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]+/, `$1127.0.0.1:${port}`));
  way.searchParams.set('directConnection', 'true');
  return way.href;
}

function wholeMessages(take: (message: Buffer) => unknown): (chunk: Buffer) => void {
  let received: Buffer = Buffer.alloc(0);
  return (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= HEADER_BYTES && received.length >= received.readInt32LE(0)) {
      const length = received.readInt32LE(0);
      take(received.subarray(0, length));
      received = received.subarray(length);
    }
  };
}

/** The name is the first key of the body, which comes first unless the driver has batched documents. */
function commandOf(message: Buffer): string | undefined {
  const bodyAt = HEADER_BYTES + 5;
  if (message.readInt32LE(12) !== OP_MSG || message[bodyAt - 1] !== 0) return undefined;
  return Object.keys(BSON.deserialize(message.subarray(bodyAt, bodyAt + message.readInt32LE(bodyAt))))[0];
}
