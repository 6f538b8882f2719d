// Shows samples of the views to a browser under the content policy of the product, with a QR transaction
// that a test moves by hand. Nothing of the product runs here but the renderer and the files of public/.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { drawQr } from '../../../src/qr/drawing.ts';
import { isLanguage } from '../../../src/web/languages.ts';
import { createRenderer } from '../../../src/web/render.ts';
import { everySample } from '../../web/views/samples.ts';

const policy =
  "default-src 'none'; base-uri 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self'";
const publicFolder = new URL('../../../public/', import.meta.url);
const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css',
  js: 'text/javascript',
  svg: 'image/svg+xml',
};

type Fields = Readonly<Record<string, string | number | boolean>>;

export interface PageServer {
  readonly url: string;
  readonly transaction: ScriptedTransaction;
  close(): Promise<void>;
}

/** What the panel is told; a test moves it and decides how the way between them behaves. */
export interface ScriptedTransaction {
  /** `refused` answers 500, `busy` 503, `open` works. */
  creation: 'open' | 'refused' | 'busy';
  /** `silent` opens a stream that nothing ever comes through, `refused` answers 500. */
  stream: 'open' | 'silent' | 'refused';
  deadlineMs: number;
  readonly created: number;
  readonly streams: number;
  readonly uri: string;
  rotate(): void;
  move(state: string, fields?: Fields): void;
  /** Cuts every stream without an end. */
  cut(): void;
}

export async function startPageServer(): Promise<PageServer> {
  const renderer = createRenderer({ branding: { name: 'Strata' }, development: true });
  const { transaction, answer } = scriptedTransaction();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://page');
    if (answer(request, response, url.pathname)) return;
    if (url.pathname.startsWith('/sample/')) return showSample(renderer, response, url);
    void sendFile(response, url.pathname.slice(1));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    transaction,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function samplePath(sample: { view: string; name: string; language: string }): string {
  return `/sample/${sample.view}/${encodeURIComponent(sample.name)}?lang=${sample.language}`;
}

function showSample(renderer: ReturnType<typeof createRenderer>, response: ServerResponse, url: URL): void {
  const [, , view, name] = url.pathname.split('/').map(decodeURIComponent);
  const language = url.searchParams.get('lang');
  const sample = everySample().find((candidate) => candidate.view === view && candidate.name === name);
  if (!sample || !isLanguage(language)) {
    response.writeHead(404).end();
    return;
  }
  const context = { ...sample.context, languageLinks: { en: '?lang=en', zh: '?lang=zh' } };
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy,
  });
  // A view and its own sample, which the compiler cannot tell from another view's.
  response.end(renderer.render(sample.view, language, context as never));
}

async function sendFile(response: ServerResponse, name: string): Promise<void> {
  const type = contentTypes[name.split('.').at(-1) ?? ''];
  const content = type && (await readFile(new URL(name, publicFolder)).catch(() => undefined));
  if (!type || !content) response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': type }).end(content);
}

interface Scripted {
  transaction: ScriptedTransaction;
  /** Whether it was this transaction's to answer. */
  answer(request: IncomingMessage, response: ServerResponse, path: string): boolean;
}

function scriptedTransaction(): Scripted {
  const open = new Set<ServerResponse>();
  let present = { state: 'pending', fields: {} as Fields };
  let generation = 0;
  let created = 0;

  const uri = () => `https://id.example.com/q/m/AbCdEfGhIjKlMnOp#${'code'.repeat(5)}${generation}`;
  const codeFields = () => ({
    qr_uri: uri(),
    qr_svg: drawQr(uri()),
    rotate_in_ms: 42_000,
    expires_in_ms: 102_000,
  });
  const fields = () => (present.state === 'pending' ? codeFields() : present.fields);
  const tell = (stream: ServerResponse) => {
    const event = present.state === 'pending' ? 'code' : present.state;
    stream.write(`retry: 50\nevent: ${event}\ndata: ${JSON.stringify(fields())}\n\n`);
  };
  const tellAll = () => {
    for (const stream of open) tell(stream);
  };

  const transaction: ScriptedTransaction = {
    creation: 'open',
    stream: 'open',
    deadlineMs: 600_000,
    get created() {
      return created;
    },
    get streams() {
      return open.size;
    },
    get uri() {
      return uri();
    },
    rotate() {
      generation += 1;
      tellAll();
    },
    move(state, moved = {}) {
      present = { state, fields: moved };
      tellAll();
    },
    cut() {
      for (const stream of open) stream.destroy();
      open.clear();
    },
  };

  function create(response: ServerResponse): void {
    if (transaction.creation !== 'open') {
      response.writeHead(transaction.creation === 'busy' ? 503 : 500).end();
      return;
    }
    created += 1;
    generation += 1;
    present = { state: 'pending', fields: {} };
    const paths = {
      events_uri: '/events',
      poll_uri: '/poll',
      continue_uri: '/interaction/abc123/qr/continue',
      interval: 0.2,
    };
    sendJson(response, 201, { ...codeFields(), ...paths, deadline_in_ms: transaction.deadlineMs });
  }

  function stream(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(transaction.stream === 'refused' ? 500 : 200, { 'content-type': 'text/event-stream' });
    if (transaction.stream === 'refused') {
      response.end();
      return;
    }
    response.flushHeaders();
    if (transaction.stream === 'silent') return;
    open.add(response);
    request.on('close', () => open.delete(response));
    tell(response);
  }

  function answer(request: IncomingMessage, response: ServerResponse, path: string): boolean {
    if (path === '/events') stream(request, response);
    else if (path === '/poll') sendJson(response, 200, { state: present.state, ...fields() });
    else if (path === '/interaction/abc123/qr') create(response);
    else if (path === '/interaction/abc123/qr/continue') response.writeHead(200).end('continued');
    else return false;
    return true;
  }

  return { transaction, answer };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
