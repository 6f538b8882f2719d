// Reading tokens, for the eyes of a visitor. An app has no business inside its access or refresh tokens: they
// are opaque to it, whatever they look like. Nothing here checks a signature.

/** Header and payload of a JWT, or undefined where it is none. */
export function decodeJwt(token) {
  const [header, payload, signature] = token.split('.');
  if (signature === undefined || !header.startsWith('ey')) return undefined;

  return { header: fromBase64url(header), payload: fromBase64url(payload) };
}

/** `rt_<session>.<app>.<chain>.<serial>.<key>.<MAC>` */
export function decodeRefreshToken(token) {
  const [session = '', app, chain, serial, key, mac] = token.split('.');
  return { session: session.replace(/^rt_/, 'ses_'), app, chain, serial, key, mac };
}

export function serialOf(token) {
  return decodeRefreshToken(token).serial;
}

/** Tokens of one kind begin alike, so their last characters are shown as well. */
export function shortened(token) {
  return token.length <= 16 ? token : `${token.slice(0, 8)}…${token.slice(-4)}`;
}

function fromBase64url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

export function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** S256 of RFC 7636. */
export async function challengeOf(verifier) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
