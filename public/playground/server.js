// Asking the server: its discovery document, the token endpoint, and everything else by HTTP.
import { clientId, say, settings } from './settings.js';

let metadata;

/** The addresses of the server (OpenID Connect Discovery), read once. */
export async function discovered() {
  metadata ??= (await request(`${settings.issuer}/.well-known/openid-configuration`)).body;
  if (metadata === undefined) throw new Error(say('no_answer'));
  return metadata;
}

/** A public client says its name; it has no secret to show. */
export async function askForTokens(parameters) {
  const { token_endpoint: endpoint } = await discovered();
  return post(endpoint, { ...parameters, client_id: clientId });
}

export function post(address, parameters) {
  return request(address, { method: 'POST', body: new URLSearchParams(parameters) });
}

/** Status 0 = the network failed; the body is undefined where it is no JSON. */
export async function request(address, options = {}) {
  try {
    const response = await fetch(address, { cache: 'no-store', ...options });
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const body = isJson ? await response.json() : undefined;
    return { ok: response.ok, status: response.status, headers: response.headers, body };
  } catch {
    return { ok: false, status: 0 };
  }
}
