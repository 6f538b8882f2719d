// What ties a transaction to the one browser or app that may redeem it. The poll secret alone is not enough:
// it may leak into a log, and then somebody else would be let in with an approval that was not for them (F1).
import { createHash } from 'node:crypto';
import { digest, equalSecrets } from '../core/secrets.ts';

/** As stored. None of the values lets anybody prove the binding. */
export type Binding =
  | { readonly kind: 'cookie'; readonly hash: string }
  /** RFC 7636, method S256. */
  | { readonly kind: 'pkce'; readonly challenge: string }
  /** RFC 9449: thumbprint of the key whose proof came with the opening request. */
  | { readonly kind: 'dpop'; readonly jkt: string };

/** As given by who becomes the grantee. The cookie's value must carry at least 128 random bits. */
export type BindingRequest =
  | { readonly kind: 'cookie'; readonly cookie: string }
  | { readonly kind: 'pkce'; readonly challenge: string }
  | { readonly kind: 'dpop'; readonly jkt: string };

/** As shown at redemption. `jkt` is that of a proof which the caller has verified. */
export type BindingProof =
  | { readonly kind: 'cookie'; readonly cookie: string }
  | { readonly kind: 'pkce'; readonly verifier: string }
  | { readonly kind: 'dpop'; readonly jkt: string };

const challengeShape = /^[A-Za-z0-9_-]{43}$/;
const verifierShape = /^[A-Za-z0-9._~-]{43,128}$/;

/** Whether a value can be an S256 challenge (RFC 7636 §4.2): any other could never be proved. */
export function isCodeChallenge(value: string): boolean {
  return challengeShape.test(value);
}

/** The cookie's hash covers the id, so that two transactions of one browser cannot be told to be that. */
export function bindingOf(request: BindingRequest, id: string): Binding {
  if (request.kind !== 'cookie') return request;

  return { kind: 'cookie', hash: cookieHash(request.cookie, id) };
}

export function provesBinding(binding: Binding | undefined, proof: BindingProof, id: string): boolean {
  if (binding === undefined || binding.kind !== proof.kind) return false;

  if (binding.kind === 'cookie' && proof.kind === 'cookie') {
    return equalSecrets(binding.hash, cookieHash(proof.cookie, id));
  }
  if (binding.kind === 'pkce' && proof.kind === 'pkce') {
    return verifierShape.test(proof.verifier) && equalSecrets(binding.challenge, s256(proof.verifier));
  }
  return binding.kind === 'dpop' && proof.kind === 'dpop' && equalSecrets(binding.jkt, proof.jkt);
}

function cookieHash(cookie: string, id: string): string {
  return digest('qr cookie', id, cookie);
}

function s256(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
