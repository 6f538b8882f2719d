// The names people sign in with, in one canonical form: two spellings that a mail server or a reader takes
// for one name must be one login, or the second would be somebody else's. Everything downstream (claims,
// limits, the mail itself) uses the canonical form only; a mail sent to the *typed* form of an address that
// folds into another's would hand that other account over.
import { domainToASCII } from 'node:url';

/** `email:…` or `name:…`, canonical. */
export type LoginKey = `email:${string}` | `name:${string}`;

const EMAIL_LENGTH_MAX = 254;
const LOCAL_PART_LENGTH_MAX = 64;
const TYPED_LENGTH_MAX = 320;
const USERNAME_LENGTH_MIN = 2;
const USERNAME_LENGTH_MAX = 64;

/** RFC 5322's dot-atom in ASCII: quoted and internationalized local parts are rare and easily confused. */
const localPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const typedDomain = /^[\p{L}\p{M}\p{N}.-]+$/u;
const domainLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const usernameShape = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;

/** The canonical e-mail address, its domain in ASCII; undefined if it is none that mail could be sent to. */
export function normalizeEmail(typed: string): string | undefined {
  if (typed.length > TYPED_LENGTH_MAX) return undefined;

  const folded = fold(typed);
  const at = folded.lastIndexOf('@');
  const local = folded.slice(0, Math.max(at, 0));
  const domain = asciiDomain(folded.slice(at + 1));
  if (local.length > LOCAL_PART_LENGTH_MAX || !localPart.test(local) || domain === undefined)
    return undefined;

  const email = `${local}@${domain}`;
  return email.length <= EMAIL_LENGTH_MAX ? email : undefined;
}

/** The canonical user name: letters of any script, digits, `.`, `_` and `-`, beginning with one of the former. */
export function normalizeUsername(typed: string): string | undefined {
  if (typed.length > TYPED_LENGTH_MAX) return undefined;

  const name = fold(typed);
  const length = [...name].length;
  if (length < USERNAME_LENGTH_MIN || length > USERNAME_LENGTH_MAX) return undefined;
  return usernameShape.test(name) ? name : undefined;
}

/** What the typed identifier would be as a login; undefined if no account can have it. */
export function loginKey(identifier: string): LoginKey | undefined {
  const email = normalizeEmail(identifier);
  if (email !== undefined) return `email:${email}`;

  const username = normalizeUsername(identifier);
  return username === undefined ? undefined : `name:${username}`;
}

/**
 * Compatibility forms (the full-width letters and `＠` of East Asian keyboards) and case folded away. Twice,
 * because lower case of a composed letter may decompose; the result folds to itself.
 */
function fold(typed: string): string {
  return typed.normalize('NFKC').trim().toLowerCase().normalize('NFKC');
}

function asciiDomain(typed: string): string | undefined {
  // The check comes first: the converter follows URL rules and would decode `%41` and cut at a `/`.
  if (!typedDomain.test(typed)) return undefined;

  const labels = domainToASCII(typed).split('.');
  const isName = labels.length >= 2 && labels.every((label) => domainLabel.test(label));
  const isAddress = /^\d+$/.test(labels.at(-1) ?? '');
  return isName && !isAddress ? labels.join('.') : undefined;
}
