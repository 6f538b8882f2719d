// The code inside a QR: an HMAC over the direction, the transaction and the number of its minute. Rotation
// writes nothing and any process can render it. A code is accepted in its own minute and in the next, so at
// most two are valid at once, none for longer than two minutes, and one that just left the screen still has
// a whole minute (I6). The direction is under the MAC: a code never works the other way round.
import { equalSecrets, mac } from '../core/secrets.ts';
import type { QrDirection } from './direction.ts';

/** 22 characters of base64url: 132 bits. */
const CODE_LENGTH = 22;

/** What the codes of one transaction are made from. */
export interface CodeSource {
  /** The transaction's own random key. */
  readonly key: Uint8Array;
  readonly direction: QrDirection;
  readonly id: string;
  /** Milliseconds since the epoch; the first code begins here. */
  readonly createdAt: number;
  /** How long one code is shown; it is accepted twice as long. */
  readonly rotateMs: number;
}

export interface RotatingCode {
  readonly code: string;
  /** 0 for the first code. */
  readonly generation: number;
  /** Until the next code replaces it on the screen. */
  readonly rotateInMs: number;
  /** Until it is no longer accepted. */
  readonly expiresInMs: number;
}

/**
 * `current`: accepted. `lapsed`: it was one of this transaction's codes, more than its time ago.
 * `unknown`: never one of them.
 */
export type CodeJudgement = 'current' | 'lapsed' | 'unknown';

/** The code to show now. */
export function codeAt(source: CodeSource, now: number): RotatingCode {
  const generation = generationAt(source, now);
  const rotateAt = source.createdAt + (generation + 1) * source.rotateMs;

  return {
    code: codeOf(source, generation),
    generation,
    rotateInMs: rotateAt - now,
    expiresInMs: rotateAt + source.rotateMs - now,
  };
}

/** The codes that are accepted now: the one on the screen and its predecessor. */
export function acceptedCodes(source: CodeSource, now: number): readonly string[] {
  const generation = generationAt(source, now);
  const accepted = generation === 0 ? [0] : [generation, generation - 1];
  return accepted.map((one) => codeOf(source, one));
}

/** Whether `code` is accepted now, in time that does not depend on how much of it is right. */
export function acceptsCode(source: CodeSource, code: string, now: number): boolean {
  return isOneOf(code, acceptedCodes(source, now));
}

/** Tells a code that came too late from one that was never ours, so that its scanner hears what to do. */
export function judgeCode(source: CodeSource, code: string, now: number): CodeJudgement {
  if (acceptsCode(source, code, now)) return 'current';

  const lapsed = Array.from({ length: Math.max(0, generationAt(source, now) - 1) }, (_, generation) =>
    codeOf(source, generation),
  );
  return isOneOf(code, lapsed) ? 'lapsed' : 'unknown';
}

/** A clock that is behind the one that made the transaction shows and accepts the first code. */
function generationAt(source: CodeSource, now: number): number {
  return Math.max(0, Math.floor((now - source.createdAt) / source.rotateMs));
}

function codeOf(source: CodeSource, generation: number): string {
  return mac(source.key, source.direction, source.id, String(generation)).slice(0, CODE_LENGTH);
}

/** Compares with every candidate, so that the time does not tell which one matched. */
function isOneOf(code: string, candidates: readonly string[]): boolean {
  return candidates.map((candidate) => equalSecrets(candidate, code)).includes(true);
}
