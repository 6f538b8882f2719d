// What the URL of a MongoDB may say. It may hold a password, so that no sentence quotes it before it was taken
// apart, and then only servers and database. Settings in it win over ours, but not where they would take back
// what the store promises: an answered commit that a fail-over rolls back is a code that can be used again.
import { DomainError } from '../../core/errors.ts';

export interface MongoAddress {
  readonly url: string;
  readonly database: string;
  /** For sentences: `the MongoDB database strata at db1:27017,db2:27017`. */
  readonly place: string;
  /** Names of the settings in the URL, in lower case. */
  readonly given: ReadonlySet<string>;
}

/** User name and password must be written as in any URL, or it is anybody's guess where they end. */
const SHAPE =
  /^mongodb(?:\+srv)?:\/\/(?:[^:/?#[\]@]+(?::[^:/?#[\]@]*)?@)?(?<servers>[^/?#@]+)(?:\/(?<database>[^/?#@]*))?(?:\?(?<settings>[^@]*))?$/;
const DATABASE = /^[^/\\. "$*<>:|?%]{1,63}$/;
/** MongoDB's own. */
const RESERVED = new Set(['admin', 'config', 'local']);

/** Settings that must have one of these values, where they are given at all. */
const ALLOWED: ReadonlyMap<string, readonly string[]> = new Map([
  ['w', ['majority']],
  ['j', ['true']],
  ['journal', ['true']],
  ['readpreference', ['primary']],
  ['readconcernlevel', ['local', 'majority']],
  ['retrywrites', ['true']],
]);
/** Settings whose small values mean no limit, or less than the store can work with. */
const LEAST: ReadonlyMap<string, number> = new Map([
  ['maxpoolsize', 5],
  ['waitqueuetimeoutms', 1],
  ['serverselectiontimeoutms', 1],
  ['connecttimeoutms', 1],
  ['sockettimeoutms', 2_000],
]);

/** Throws `DomainError` with `store_unavailable`, whose detail is a sentence for the operator. */
export function readAddress(url: string): MongoAddress {
  const { servers, database, settings = '' } = SHAPE.exec(url)?.groups ?? {};
  if (servers === undefined) throw refused(UNREADABLE);
  if (!database) throw refused('the MongoDB URL names no database: mongodb://SERVER/strata');
  if (!DATABASE.test(database) || RESERVED.has(database.toLowerCase())) {
    throw refused(`"${database}" cannot be the database of the store: mongodb://SERVER/strata`);
  }

  const given = new URLSearchParams(settings);
  const faults = [...given].flatMap(([name, value]) => faultOf(name, value) ?? []);
  if (faults.length > 0) throw refused(`in the MongoDB URL ${faults.join(', and ')}`);

  const place = `the MongoDB database ${database} at ${servers}`;
  return { url, database, place, given: new Set([...given.keys()].map((name) => name.toLowerCase())) };
}

const UNREADABLE =
  'the MongoDB URL cannot be read: it is mongodb://USER:PASSWORD@SERVER/DATABASE, where : / ? # [ ] @ in user, password and settings are written as %3A and so on';

function faultOf(name: string, value: string): string | undefined {
  const setting = name.toLowerCase();
  const allowed = ALLOWED.get(setting);
  if (allowed && !allowed.includes(value)) return `${name} must be ${allowed.join(' or ')}`;

  const least = LEAST.get(setting);
  if (least !== undefined && !(Number(value) >= least)) return `${name} must be at least ${least}`;
  return setting === 'timeoutms' ? `${name} cannot be set: the store has limits of its own` : undefined;
}

export function refused(detail: string, cause?: unknown): DomainError {
  return new DomainError('store_unavailable', { detail, cause });
}
