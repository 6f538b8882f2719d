// Looks for secrets in whatever may have kept them: as they are, and in the spellings that databases, logs and
// careless code give them.
import type { Secret } from './secrets-of-traffic.ts';

export interface Find extends Secret {
  spelling: string;
  /** What stands around it. */
  around: string;
}

const KEY_LENGTH = 8;
const AROUND = 60;

/** Every secret that the text contains. One pass over the text, however many secrets there are. */
export function findSecrets(text: string | Buffer, secrets: readonly Secret[]): Find[] {
  const haystack = typeof text === 'string' ? Buffer.from(text).toString('latin1') : text.toString('latin1');
  const needles = needlesOf(secrets);
  const finds = new Map<string, Find>();
  for (let at = 0; at + KEY_LENGTH <= haystack.length; at += 1) {
    for (const needle of needles.get(haystack.slice(at, at + KEY_LENGTH)) ?? []) {
      if (!haystack.startsWith(needle.text, at)) continue;

      const around = haystack.slice(Math.max(0, at - AROUND), at + AROUND);
      finds.set(needle.text, { ...needle.secret, spelling: needle.spelling, around });
    }
  }
  return [...finds.values()];
}

interface Needle {
  text: string;
  secret: Secret;
  spelling: string;
}

function needlesOf(secrets: readonly Secret[]): Map<string, Needle[]> {
  const needles = new Map<string, Needle[]>();
  for (const secret of secrets) {
    for (const [spelling, text] of spellings(secret.value)) {
      if (text.length < KEY_LENGTH) continue;
      const key = text.slice(0, KEY_LENGTH);
      needles.set(key, [...(needles.get(key) ?? []), { text, secret, spelling }]);
    }
  }
  return needles;
}

function spellings(value: string): [spelling: string, text: string][] {
  const bytes = Buffer.from(value);
  const plain: [string, string][] = [
    ['as it is', bytes.toString('latin1')],
    ['percent-encoded', encodeURIComponent(value)],
    ['in JSON', JSON.stringify(value).slice(1, -1)],
    ...bytesSpelt('of its text', bytes),
  ];
  // A random value travels as base64url; a database could have its bytes.
  const isEncoded = /^[\w-]{16,}$/.test(value);
  const decoded = isEncoded ? Buffer.from(value, 'base64url') : undefined;
  return [
    ...plain,
    ...(decoded ? [['bytes', decoded.toString('latin1')] as [string, string]] : []),
    ...(decoded ? bytesSpelt('of its bytes', decoded) : []),
  ];
}

function bytesSpelt(what: string, bytes: Buffer): [string, string][] {
  const hex = bytes.toString('hex');
  return [
    [`hex ${what}`, hex],
    [`upper-case hex ${what}`, hex.toUpperCase()],
    ...[0, 1, 2].flatMap((shift): [string, string][] => {
      const inner = base64Within(bytes, shift);
      return [
        [`base64 ${what}`, inner],
        [`base64url ${what}`, inner.replaceAll('+', '-').replaceAll('/', '_')],
      ];
    }),
  ];
}

/** What base64 makes of the bytes when `shift` others stand before them: without the ends, which mix. */
function base64Within(bytes: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const cut = text.length % 4 === 0 ? text.length : text.length - 1;
  return text.slice(shift === 0 ? 0 : shift + 1, cut);
}
