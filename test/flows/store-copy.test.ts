// Moving house as operators do it: servers run, people sign in and apps refresh, and a command copies the store
// they are on. Then servers start on the copy, and nobody has noticed more than a few answers to try again.
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ClientMetadata } from '../../src/clients/client.ts';
import { emptyPlace, type Place, type Running, serve } from '../cli/run-cli.ts';
import { addApp, type Code, type JsonAnswer, type TestApp, type Tokens } from '../support/app.ts';
import { freePort } from '../support/free-port.ts';
import { freshDatabase } from '../support/mongo.ts';
import type { Person } from '../support/sign-in.ts';
import { runsOnMongo } from '../support/test-store.ts';
import { userAgent } from '../support/user-agent.ts';

const settings = `
limits: { authorizationsPerMinute: 1000000 }
`;

const metadata = {
  client_name: 'Notes',
  redirect_uris: ['https://notes.example/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  first_party: true,
  scope: 'openid profile offline_access',
} satisfies ClientMetadata;

describe('strata store copy', () => {
  it.skipIf(runsOnMongo())(
    'moves a server from one SQLite file to another while people sign in',
    async () => {
      await moveHouse('sqlite:strata.db', 'sqlite:moved.db');
    },
    120_000,
  );

  it.skipIf(!runsOnMongo())(
    'moves a server to MongoDB and back while people sign in',
    async () => {
      const database = freshDatabase();
      onTestFinished(() => database.drop(), 120_000);
      const place = await moveHouse('sqlite:strata.db', database.url);
      await moveHouse(database.url, 'sqlite:back.db', place);
    },
    300_000,
  );
});

interface House {
  place: Place;
  port: number;
  app: TestApp;
  people: Person[];
}

async function moveHouse(from: string, to: string, home?: House): Promise<House> {
  const house = home ?? (await newHouse(from));
  const { place, app, people } = house;
  const before = await started(house, from);
  const lines = signInAgainAndAgain(house);
  await lines.until((book) => book.chains.length >= LINES);

  const copied = await place.run(['store', 'copy', 'env:OLD', 'env:NEW'], { env: { OLD: from, NEW: to } });
  expect(copied).toMatchObject({ code: 0, out: expect.stringMatching(/^device_session +\d+ /m) });
  await lines.until((book) => book.refusals > LINES);
  const book = await lines.stop();
  expect(book.surprises).toEqual([]);
  await stop(before);
  await expect(started(house, from)).rejects.toThrow(/this store was moved to/i);

  const after = await started(house, to);
  for (const chain of book.chains) expect(await app.refresh(chain.token)).toMatchObject({ status: 200 });
  expect(book.redeemed.length).toBeGreaterThan(0);
  for (const code of book.redeemed) {
    expect(await app.redeem(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  }
  await app.signIn(userAgent(originOf(house)), people[0]);
  await stop(after);
  return house;
}

const LINES = 3;

async function newHouse(url: string): Promise<House> {
  const place = await emptyPlace(settings);
  const port = await freePort();
  const env = { STRATA_STORE_URL: url };
  const people = await Promise.all(
    Array.from({ length: LINES }, async (_, n) => {
      const email = `person-${n}@example.com`;
      const input = `correct horse battery ${n}\n`;
      const made = ['accounts', 'create', '--email', email, '--name', 'Ada', '--password-stdin'];
      expect(await place.run(made, { env, input })).toMatchObject({ code: 0 });
      return { email, password: input.trim() };
    }),
  );
  const addClient = async (metadata: ClientMetadata) => {
    const file = await place.write('client.json', metadata);
    const { out } = await place.run(['clients', 'import', file, '--json'], { env });
    const [{ client_id: id, client_secret: secret }] = JSON.parse(out);
    return { id, secret };
  };
  const origin = `http://127.0.0.1:${port}`;
  return { place, port, people, app: await addApp({ origin, addClient }, metadata) };
}

function originOf({ port }: House): string {
  return `http://127.0.0.1:${port}`;
}

async function started({ place, port }: House, url: string): Promise<Running> {
  const running = await serve(place, { env: { PORT: String(port), STRATA_STORE_URL: url } });
  await running.ready();
  return running;
}

async function stop({ child, exit }: Running): Promise<void> {
  child.kill('SIGTERM');
  await exit;
}

interface Book {
  /** Apps that are signed in, each with the newest refresh token that it has got. */
  chains: { token: string }[];
  /** Codes that were redeemed, and nothing has been done with their tokens. */
  redeemed: Code[];
  /** Answers that said to come back later. */
  refusals: number;
  /** Everything else that was no success. */
  surprises: unknown[];
}

/** People at all lines sign in and their apps refresh, until they are told to stop. */
function signInAgainAndAgain(house: House) {
  const { app, people } = house;
  const book: Book = { chains: [], redeemed: [], refusals: 0, surprises: [] };
  let isOver = false;
  let changed = Promise.withResolvers<void>();
  const running = Promise.all(people.map(line));

  async function line(person: Person): Promise<void> {
    for (let turn = 0; !isOver; turn += 1) {
      await signInOnce(person, turn % 3 === 0);
      changed.resolve();
      changed = Promise.withResolvers();
    }
  }

  async function signInOnce(person: Person, isLast: boolean): Promise<void> {
    const code = await app.code(userAgent(originOf(house)), person).catch(refusedPage);
    const tokens = code && judged(await app.redeem(code));
    if (tokens === undefined) return;
    if (isLast) {
      book.redeemed.push(code as Code);
      return;
    }

    const chain = { token: tokens.refresh_token };
    book.chains.push(chain);
    const next = judged(await app.refresh(chain.token));
    if (next !== undefined) chain.token = next.refresh_token;
  }

  function judged({ status, headers, body }: JsonAnswer): Tokens | undefined {
    if (status === 200) return body;
    if (status === 503 && Number(headers.get('retry-after')) > 0) book.refusals += 1;
    else book.surprises.push({ status, body });
    return undefined;
  }

  function refusedPage(error: Error): undefined {
    // The app hears it in the words of RFC 6749 §4.1.2.1 where the browser is on its way back.
    if (/: 503 at |error=temporarily_unavailable/.test(error.message)) book.refusals += 1;
    else book.surprises.push(error.message);
  }

  return {
    until: async (isEnough: (book: Book) => boolean) => {
      while (!isEnough(book) && book.surprises.length === 0) await changed.promise;
    },
    stop: async () => {
      isOver = true;
      await running;
      return book;
    },
  };
}
