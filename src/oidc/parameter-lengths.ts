// How long the values of an authorization request may be. Anybody can ask without being anybody, and what is
// asked is kept until the sign-in is over; whole bodies are bounded elsewhere, these are what is kept of them.
import { errors, type KoaContextWithOIDC } from 'oidc-provider';

/** In characters. 254 is the longest address that mail can be sent to (RFC 5321). */
export const lengthsMax: Readonly<Record<string, number>> = {
  state: 2_048,
  nonce: 512,
  login_hint: 254,
  ui_locales: 256,
};

/** For the engine's `extraParams`, whose checks it runs on parameters that it knows as well. */
export const lengthChecks = Object.fromEntries(
  Object.entries(lengthsMax).map(([name, max]) => [name, checkLength(name, max)]),
);

function checkLength(name: string, max: number) {
  return function check(_ctx: KoaContextWithOIDC, value: string | undefined): void {
    if (value !== undefined && value.length > max) {
      throw new errors.InvalidRequest(`${name} must have at most ${max} characters`);
    }
  };
}
