// The load generator's side of HTTP: kept connections, and the little of a browser that a sign-in needs.
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Ask {
  method?: 'GET' | 'POST';
  form?: Record<string, string>;
  headers?: Record<string, string>;
}

/** One server under measurement. */
export interface Target {
  readonly name: 'strata' | 'bare';
  readonly origin: string;
  send(path: string, ask?: Ask): Promise<Reply>;
  close(): void;
}

export function connect(name: Target['name'], origin: string, connectionsMax: number): Target {
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });

  function send(path: string, ask: Ask = {}): Promise<Reply> {
    const body = ask.form && new URLSearchParams(ask.form).toString();
    const headers = {
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
      }),
      ...ask.headers,
    };
    return new Promise((resolve, reject) => {
      const method = ask.method ?? (body === undefined ? 'GET' : 'POST');
      const sent = httpRequest(new URL(path, origin), { agent, method, headers }, (answer) => {
        text(answer).then(
          (received) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: received }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  return { name, origin, send, close: () => agent.destroy() };
}

/** Answers the body of a 200, and fails on everything else: a refused request measures nothing. */
export function expectJson(reply: Reply): Record<string, unknown> {
  if (reply.status !== 200) throw new Error(`answered ${reply.status}: ${reply.body.slice(0, 400)}`);
  return JSON.parse(reply.body) as Record<string, unknown>;
}

export interface Browser {
  send(path: string, form?: Record<string, string>): Promise<Reply>;
}

/** Keeps cookies by name alone; each browser has one sign-in under way at most. */
export function openBrowser(target: Target): Browser {
  const cookies = new Map<string, string>();

  async function send(path: string, form?: Record<string, string>): Promise<Reply> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const reply = await target.send(path, {
      ...(form && { form }),
      headers: { accept: 'text/html', 'accept-language': 'en', ...(cookie !== '' && { cookie }) },
    });
    for (const line of reply.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    return reply;
  }

  return { send };
}

/** Where a redirect leads. */
export function locationOf(reply: Reply): string {
  const { location } = reply.headers;
  if (location === undefined) {
    throw new Error(`no redirect but ${reply.status}: ${reply.body.slice(0, 400)}`);
  }
  return location;
}
