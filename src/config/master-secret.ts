// Judging a master secret before anything is wrapped with it (I13). Nobody can measure the entropy of a
// string, but what people put in by mistake (the placeholder of an example, a word repeated until it was
// long enough, keys in the order of the keyboard) can be told from 32 random bytes.

const LENGTH_MIN = 32;
const DISTINCT_MIN = 12;

/** Found in no random secret (less than one in a million), but in many a copied one. */
const placeholders = [
  'changeme',
  'change_me',
  'change-me',
  'replaceme',
  'replace-me',
  'replace_me',
  'secret',
  'password',
  'placeholder',
  'example',
  'default',
  'openim123',
  'qwerty',
  'letmein',
  '12345678',
  '01234567',
  'abcdefgh',
];

/** Why `secret` must not be used, as the end of a sentence; undefined where nothing speaks against it. */
export function masterSecretWeakness(secret: string): string | undefined {
  if (secret.length < LENGTH_MIN) return `is shorter than ${LENGTH_MIN} characters; make one: ${howToMake}`;
  if (placeholders.some((text) => secret.toLowerCase().includes(text))) {
    return `contains a well-known word or placeholder; make one: ${howToMake}`;
  }
  if (new Set(secret).size < DISTINCT_MIN || isRepetition(secret)) {
    return `is not random; make one: ${howToMake}`;
  }
  return undefined;
}

const howToMake = 'openssl rand -base64 32';

/** Whether a shorter string, written again and again, makes up the whole. */
function isRepetition(secret: string): boolean {
  return `${secret}${secret}`.indexOf(secret, 1) < secret.length;
}
