// A server that speaks just enough of MongoDB's protocol to say what kind of server it is: for kinds that are
// refused, and for failures that no real one has on request.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { BSON } from 'mongodb';
import { onTestFinished } from 'vitest';

export type Answer = Readonly<Record<string, unknown>>;

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;

/** What a member of a replica set says of itself that is of the newest kind. */
export const PRIMARY: Answer = { isWritablePrimary: true, helloOk: true, setName: 'rs', hosts: ['unused'] };

/** Answers every command with what `answer` says; returns `127.0.0.1:PORT`. Gone after the test. */
export async function fakeMongod(answer: (command: string) => Answer): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= HEADER_BYTES && received.length >= received.readInt32LE(0)) {
        const length = received.readInt32LE(0);
        socket.write(replyTo(received.subarray(0, length), answer));
        received = received.subarray(length);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function replyTo(request: Buffer, answer: (command: string) => Answer): Buffer {
  const isQuery = request.readInt32LE(12) === OP_QUERY;
  const command = BSON.deserialize(request.subarray(isQuery ? queryBody(request) : HEADER_BYTES + 5));
  const [name = ''] = Object.keys(command);
  const document = Buffer.from(
    BSON.serialize({ ok: 1, minWireVersion: 0, maxWireVersion: 25, localTime: new Date(), ...answer(name) }),
  );
  return isQuery
    ? message(request, OP_REPLY, Buffer.concat([ints(8, 0, 0, 0, 1), document]))
    : message(request, OP_MSG, Buffer.concat([ints(0), Buffer.of(0), document]));
}

/** After flags, the collection's name, and two numbers. */
function queryBody(request: Buffer): number {
  return request.indexOf(0, HEADER_BYTES + 4) + 1 + 8;
}

function message(request: Buffer, opCode: number, body: Buffer): Buffer {
  return Buffer.concat([ints(HEADER_BYTES + body.length, 0, request.readInt32LE(4), opCode), body]);
}

function ints(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [n, value] of values.entries()) bytes.writeInt32LE(value, n * 4);
  return bytes;
}
