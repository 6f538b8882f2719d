// Tells apart what becomes of requests to a server that is killed, or whose database is: wraps the global fetch,
// which all of our test helpers use.

/** The answer was 503 and said when to come back: nobody knows whether what was asked for has happened. */
export class Away extends Error {
  override readonly name = 'Away';
}

/** There was no answer. */
export class Gone extends Error {
  override readonly name = 'Gone';
}

export interface CrashNetwork {
  /** How often the server said that it is away. */
  readonly refusals: number;
  stop(): void;
}

/** Until it is stopped, requests throw `Away` and `Gone`, and an error for what no outage may be answered with. */
export function watchOutages(): CrashNetwork {
  const original = globalThis.fetch;
  let refusals = 0;

  globalThis.fetch = async (input, init) => {
    const response = await original(input, init).catch((cause) => {
      throw new Gone('the server does not answer', { cause });
    });
    if (response.status >= 500) {
      const text = await response.text();
      if (!isRefusal(response)) throw new Error(`${response.status} by ${response.url}: ${text}`);
    }
    if (response.status < 500 && !tellsApp(response)) return response;

    refusals += 1;
    throw new Away(`${response.status} by ${response.url}`);
  };

  return {
    get refusals() {
      return refusals;
    },
    stop: () => {
      globalThis.fetch = original;
    },
  };
}

function isRefusal({ status, headers }: Response): boolean {
  return status === 503 && /^[1-9]\d*$/.test(headers.get('retry-after') ?? '');
}

/** RFC 6749 §4.1.2.1: what an authorization request is answered with that has passed its checks. */
function tellsApp({ headers }: Response): boolean {
  return /[?&]error=temporarily_unavailable(&|$)/.test(headers.get('location') ?? '');
}
