// A burst of sign-ins, redemptions and refreshes, and a book of what the server has answered to each: what it has
// acknowledged it must know after it or its database was killed (I8), what it has not may have happened or not.
import type { JsonAnswer, TestApp } from '../support/app.ts';
import { approveDevice, askForDeviceCode, pollForTokens } from '../support/device-flow.ts';
import type { Person } from '../support/sign-in.ts';
import { type UserAgent, userAgent } from '../support/user-agent.ts';
import { Away, Gone } from './crash-network.ts';

export interface IssuedCode {
  redeem: Send;
  /** `shown`: sent to the server, which has not answered. */
  state: 'issued' | 'shown' | 'used';
}

export interface OpenChain {
  app: TestApp;
  /** The newest refresh token that the app has got. */
  token: string;
}

export interface BurstBook {
  codes: IssuedCode[];
  chains: OpenChain[];
  /** Browsers that somebody has signed in with. */
  browsers: UserAgent[];
  /** Tokens that were handed out, for sign-ins and refreshes together. */
  acknowledged: number;
  /** Answers that none of these requests should get. */
  surprises: JsonAnswer[];
  /** Since the strike killed the database and left the server alive. */
  isDatabaseKilled: boolean;
}

export interface BurstParties {
  origin: string;
  apps: readonly TestApp[];
  /** Gets its tokens by a code that somebody types. */
  tv: TestApp;
  people: readonly Person[];
  random: () => number;
}

export interface BurstSettings extends BurstParties {
  /** Sign-ins that go on at the same time. */
  lines: number;
  /** When so many tokens were handed out, `strike` is called, once; the burst ends when it has. */
  strikeAfter: number;
  strike: (book: BurstBook) => Promise<void>;
  /** Whether requests may then go without an answer. */
  strikesServer: boolean;
  /** Whether requests may be answered with 503 at any time. */
  mayBeAway: boolean;
}

const REFRESHES_MAX = 3;
/** The share of codes that nobody redeems before the end. */
const LEFT_SHARE = 0.15;
const TV_SHARE = 0.25;

export async function burst(settings: BurstSettings): Promise<BurstBook> {
  const { lines, strikeAfter, strike, strikesServer, mayBeAway, random } = settings;
  const book = emptyBook();
  const end = Promise.withResolvers<void>();
  let isStruck = false;
  let isOver = false;

  async function acknowledged(send: Send): Promise<string> {
    const answer = await acceptedBy(book, send);
    book.acknowledged += 1;
    if (book.acknowledged === strikeAfter) {
      isStruck = true;
      strike(book)
        .finally(() => {
          isOver = true;
        })
        .then(end.resolve, end.reject);
    }
    return answer.body.refresh_token;
  }

  async function line(): Promise<void> {
    while (!isOver) {
      try {
        const openChain = random() < TV_SHARE ? signInTv : signIn;
        const chain = await openChain(settings, book, acknowledged);
        if (chain) await refreshSome(chain, random, acknowledged);
      } catch (error) {
        if (error instanceof Gone && isStruck && strikesServer) return;
        if (error instanceof Away && mayBeAway) continue;
        throw error;
      }
    }
  }

  await Promise.all([end.promise, ...Array.from({ length: lines }, line)]);
  return book;
}

type Send = () => Promise<JsonAnswer>;
type Acknowledged = (send: Send) => Promise<string>;

function emptyBook(): BurstBook {
  return {
    codes: [],
    chains: [],
    browsers: [],
    acknowledged: 0,
    surprises: [],
    isDatabaseKilled: false,
  };
}

/**
 * The answer with tokens. A stand-in for MongoDB that starts again has forgotten which transactions it has
 * committed, so the server makes one anew whose answer it has lost, and then finds its own code used. MongoDB
 * itself remembers.
 */
async function acceptedBy(book: BurstBook, send: Send): Promise<JsonAnswer> {
  const wasKilled = book.isDatabaseKilled;
  const answer = await send();
  if (answer.status === 200) return answer;

  const what = `refused in the burst: ${answer.status} ${JSON.stringify(answer.body)}`;
  if (!wasKilled && book.isDatabaseKilled && answer.body.error === 'invalid_grant') throw new Away(what);
  book.surprises.push(answer);
  throw new Error(what);
}

async function signIn(parties: BurstParties, book: BurstBook, acknowledged: Acknowledged) {
  const app = oneOf(parties.apps, parties.random);
  const browser = userAgent(parties.origin);
  const code = await app.code(browser, oneOf(parties.people, parties.random));
  book.browsers.push(browser);
  return redeemOrLeave(app, () => app.redeem(code), { parties, book, acknowledged });
}

async function signInTv(parties: BurstParties, book: BurstBook, acknowledged: Acknowledged) {
  const { tv } = parties;
  const code = await askForDeviceCode(tv);
  const browser = userAgent(parties.origin);
  await approveDevice(browser, code, oneOf(parties.people, parties.random));
  return redeemOrLeave(tv, () => pollForTokens(tv, code), { parties, book, acknowledged });
}

/** A chain of refresh tokens, unless nobody redeems the code. */
async function redeemOrLeave(
  app: TestApp,
  redeem: Send,
  { parties, book, acknowledged }: { parties: BurstParties; book: BurstBook; acknowledged: Acknowledged },
): Promise<OpenChain | undefined> {
  const issued: IssuedCode = { redeem, state: 'issued' };
  book.codes.push(issued);
  if (parties.random() < LEFT_SHARE) return undefined;

  issued.state = 'shown';
  const chain: OpenChain = { app, token: await acknowledged(redeem) };
  issued.state = 'used';
  book.chains.push(chain);
  return chain;
}

async function refreshSome(
  chain: OpenChain,
  random: () => number,
  acknowledged: Acknowledged,
): Promise<void> {
  const refreshes = Math.floor(random() * (REFRESHES_MAX + 1));
  for (let count = 0; count < refreshes; count += 1) {
    chain.token = await acknowledged(() => chain.app.refresh(chain.token));
  }
}

function oneOf<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
