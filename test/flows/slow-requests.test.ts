// I12: a request that does not come to its end holds its connection for no longer than the settings say.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../support/test-server.ts';

let strata: TestServer;

beforeAll(async () => {
  strata = await startTestServer({ config: { limits: { headersTimeout: '1s', requestTimeout: '1s' } } });
});

afterAll(() => strata.close());

const form = 'Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n';
const part = `${form}Content-Length: 1000\r\n\r\ngrant_type=`;

describe('a request that stops half-way', () => {
  it.concurrent.each([
    ['in its first line', 'GET /sign', 408],
    ['in its headers', `POST /token HTTP/1.1\r\n${form}`, 408],
    ['in a body that the engine reads', `POST /token HTTP/1.1\r\n${part}`, 408],
    ['in a body that a page reads', `POST /interaction/x/sign-in HTTP/1.1\r\n${part}`, 408],
    ['in a body that the API reads', `POST /api/qr/scan HTTP/1.1\r\n${part}`, 408],
    [
      'in pieces of a body',
      `POST /token HTTP/1.1\r\n${form}Transfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n`,
      408,
    ],
    ['in a body that nobody reads', `POST /nowhere HTTP/1.1\r\n${part}`, 404],
  ])('%s is cut off', async (_where, bytes, status) => {
    const answer = await answerUntilClosed(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('leaves nothing in the log that calls for an operator', () => {
    expect(strata.log.filter((line) => /"level":"(warn|error|fatal)"/.test(line))).toEqual([]);
  });
});

/** Says no more, and waits until the server closes the connection. */
function answerUntilClosed(bytes: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let answer = '';
  const socket = connect(Number(new URL(strata.origin).port), '127.0.0.1', () => socket.write(bytes));
  socket.on('data', (data) => {
    answer += data;
  });
  socket.on('close', () => resolve(answer));
  socket.on('error', reject);
  return promise;
}
