// HTTP by hand, on a socket of its own for each request: sends what no client library would, byte for byte.
import { connect } from 'node:net';

export interface WireRequest {
  method: string;
  /** As it stands in the request line. */
  target: string;
  headers?: readonly (readonly [name: string, value: string])[];
  body?: string | Buffer | undefined;
}

export interface WireAnswer {
  /** 0 where the connection was closed without an answer. */
  status: number;
  /** Status line and headers as they came. */
  head: string;
  headers: Headers;
  body: string;
  /** What came after this answer on the same connection. */
  rest: string;
}

const HANG_MS = 10_000;

/** Adds `Host`, `Connection: close` and the length of the body, unless the request brings its own. */
export function requestBytes({ method, target, headers = [], body }: WireRequest): Buffer {
  const own = new Set(headers.map(([name]) => name.toLowerCase()));
  const length = body === undefined ? undefined : Buffer.byteLength(body);
  const added = [
    ['Host', '127.0.0.1'],
    ['Connection', 'close'],
    ...(length === undefined || own.has('transfer-encoding') ? [] : [['Content-Length', String(length)]]),
  ].filter(([name = '']) => !own.has(name.toLowerCase()));
  const lines = [...added, ...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  const content = Buffer.from(body ?? '');
  return Buffer.concat(own.has('transfer-encoding') ? [head, ...chunked(content)] : [head, content]);
}

function chunked(content: Buffer): Buffer[] {
  const end = Buffer.from('0\r\n\r\n');
  const size = Buffer.from(`${content.length.toString(16)}\r\n`);
  return content.length === 0 ? [end] : [size, content, Buffer.from('\r\n'), end];
}

/** `isWhole`: the sender says that nothing more will come. */
export function sendBytes(
  origin: string,
  bytes: Buffer | string,
  { isWhole = false }: { isWhole?: boolean } = {},
): Promise<WireAnswer> {
  const { hostname, port } = new URL(origin);
  const { promise, resolve, reject } = Promise.withResolvers<WireAnswer>();
  const chunks: Buffer[] = [];
  const socket = connect(Number(port), hostname, () => {
    if (isWhole) socket.end(bytes);
    else socket.write(bytes);
  });
  const hanging = setTimeout(() => {
    socket.destroy();
    reject(new Error(`no answer within ${HANG_MS} ms to ${String(bytes).slice(0, 300)}`));
  }, HANG_MS);

  socket.on('data', (chunk) => chunks.push(chunk));
  // A server may close on whoever still sends; what it said before counts.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearTimeout(hanging);
    resolve(parseAnswer(Buffer.concat(chunks)));
  });
  return promise;
}

function parseAnswer(bytes: Buffer): WireAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  // "Go on" is no answer yet.
  if (bytes.subarray(0, 12).toString() === 'HTTP/1.1 100') return parseAnswer(bytes.subarray(end + 4));

  const head = bytes.subarray(0, Math.max(0, end)).toString('latin1');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers();
  for (const line of lines)
    headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
  const following = bytes.subarray(end + 4);
  const length = headers.get('content-length');
  const isChunked = /chunked/i.test(headers.get('transfer-encoding') ?? '');
  const size = length === null ? following.length : Number(length);
  return {
    status: Number(statusLine.split(' ')[1] ?? 0),
    head,
    headers,
    body: (isChunked ? dechunked(following) : following.subarray(0, size)).toString(),
    rest: isChunked ? '' : following.subarray(size).toString(),
  };
}

function dechunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16);
    if (!(size > 0)) break;
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
