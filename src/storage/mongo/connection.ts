// From a URL to a database that the store can work with: one member of a replica set, or a sharded cluster.
import { type Db, MongoClient, type MongoClientOptions, MongoError, MongoServerError } from 'mongodb';
import { DomainError } from '../../core/errors.ts';
import { type MongoAddress, readAddress, refused } from './address.ts';

export interface Connection {
  readonly client: MongoClient;
  readonly db: Db;
  /** For sentences. */
  readonly place: string;
  /** Behind it is a sharded cluster and no single replica set. */
  readonly isSharded: boolean;
  /** What time the server says it is, in milliseconds since the epoch. */
  serverTime(): Promise<number>;
}

/** Of MongoDB 7.0, the oldest that its makers still care for. */
const WIRE_VERSION_MIN = 21;

const AUTHENTICATION_FAILED = 18;
const UNAUTHORIZED = 13;

/**
 * Every wait has an end, and one process does not take all connections of a server. 30 are enough for some
 * thousand requests a second, as each holds one for a millisecond or two.
 */
const DEFAULTS = {
  maxPoolSize: 30,
  minPoolSize: 5,
  maxConnecting: 4,
  maxIdleTimeMS: 120_000,
  waitQueueTimeoutMS: 1_000,
  serverSelectionTimeoutMS: 5_000,
  connectTimeoutMS: 5_000,
  socketTimeoutMS: 10_000,
  retryReads: true,
  appName: 'strata',
} as const satisfies MongoClientOptions;

/** `settings` win over the URL. Throws `DomainError` with `store_unavailable`. */
export async function connect(url: string, settings: MongoClientOptions = {}): Promise<Connection> {
  const address = readAddress(url);
  const client = clientFor(address, settings);
  const db = client.db(address.database);
  try {
    await client.connect();
    const hello = await db.command({ hello: 1 });
    const unfit = unfitness(hello, client.options.directConnection);
    if (unfit !== undefined) throw refused(`${address.place} ${unfit}`);

    return {
      client,
      db,
      place: address.place,
      isSharded: hello.msg === 'isdbgrid',
      serverTime: async () => Number((await db.command({ hello: 1 })).localTime),
    };
  } catch (error) {
    await client.close();
    throw error instanceof DomainError ? error : unreachable(address.place, error);
  }
}

/** Makes no connection yet. */
function clientFor({ url, given }: MongoAddress, settings: MongoClientOptions): MongoClient {
  const open = Object.entries(DEFAULTS).filter(([name]) => !given.has(name.toLowerCase()));
  try {
    return new MongoClient(url, {
      ...Object.fromEntries(open),
      ...settings,
      ignoreUndefined: true,
      retryWrites: true,
      writeConcern: { w: 'majority', journal: true },
      readPreference: 'primary',
    });
  } catch (error) {
    // Only the reason: the error might hold the URL. User and password were read before and are not in it.
    throw refused(`the MongoDB URL cannot be used: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

/** Why the store cannot work with the server that said this. */
function unfitness(
  hello: { setName?: unknown; msg?: unknown; maxWireVersion?: unknown; hosts?: unknown },
  directConnection: boolean,
): string | undefined {
  if (Number(hello.maxWireVersion) < WIRE_VERSION_MIN) {
    return 'is too old: Strata needs MongoDB 7.0 or newer';
  }
  if (hello.setName === undefined && hello.msg !== 'isdbgrid') {
    return 'is no replica set, which transactions need; start mongod with --replSet and run rs.initiate() once (a set of one is enough)';
  }
  // The driver lets one member answer reads whatever it has become, so ended sessions would look live.
  if (directConnection && Array.isArray(hello.hosts) && hello.hosts.length > 1) {
    return 'is one member of several: take directConnection out of the URL';
  }
  return undefined;
}

/** One sentence for what the driver, or the system below it, says in its own words. */
export function unreachable(place: string, error: unknown): DomainError {
  const code = error instanceof MongoServerError ? error.code : undefined;
  if (code === AUTHENTICATION_FAILED) {
    return refused(
      `${place} refuses the user name or password of the URL, or wants another authSource`,
      error,
    );
  }
  if (code === UNAUTHORIZED) {
    return refused(`${place} does not let this user in: it needs the role readWrite there`, error);
  }
  const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
  return refused(`${place} cannot be reached: ${reason}`, error);
}

/** Leaves no connection behind where the work fails. */
export async function closedOnFailure<Result>(
  { client, place }: Connection,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await client.close();
    throw error instanceof MongoError ? unreachable(place, error) : error;
  }
}
