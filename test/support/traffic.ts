// Everything that passes between a test and a server: wraps the global fetch, which all of our test helpers and
// the client library use.
export interface Exchange {
  method: string;
  url: string;
  requestHeaders: Headers;
  requestBody: string;
  status: number;
  headers: Headers;
  body: string;
}

export interface Traffic {
  exchanges: Exchange[];
  stop(): void;
}

export function recordTraffic(): Traffic {
  const exchanges: Exchange[] = [];
  const original = globalThis.fetch;

  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const requestBody = await request.clone().text();
    const response = await original(request);
    exchanges.push({
      method: request.method,
      url: request.url,
      requestHeaders: request.headers,
      requestBody,
      status: response.status,
      headers: response.headers,
      body: await response.clone().text(),
    });
    return response;
  };
  return {
    exchanges,
    stop: () => {
      globalThis.fetch = original;
    },
  };
}
