// A burst of sign-ins and refreshes, and a book of what the server has answered to each: what it has
// acknowledged it must know after it was killed (I8), what it has not may have happened or not.
import type { Code, JsonAnswer, TestApp } from '../support/app.ts';
import type { Person } from '../support/sign-in.ts';
import { type UserAgent, userAgent } from '../support/user-agent.ts';

export interface IssuedCode {
  app: TestApp;
  code: Code;
  /** `shown`: sent to the server, which was killed before it answered. */
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
}

export interface BurstSettings {
  origin: string;
  apps: readonly TestApp[];
  people: readonly Person[];
  random: () => number;
  /** Sign-ins that go on at the same time. */
  lines: number;
  /** Called once, when so many tokens were handed out: what comes then is the end. */
  killAfter: number;
  kill: () => Promise<void>;
}

const REFRESHES_MAX = 3;
/** The share of codes that nobody redeems before the end. */
const LEFT_SHARE = 0.15;

/** Runs until the server is gone. */
export async function burst(settings: BurstSettings): Promise<BurstBook> {
  const book: BurstBook = { codes: [], chains: [], browsers: [], acknowledged: 0, surprises: [] };
  const end = Promise.withResolvers<void>();
  let isOver = false;

  function acknowledge(answer: JsonAnswer): string {
    if (answer.status !== 200) {
      book.surprises.push(answer);
      throw new Error(`refused in the burst: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    book.acknowledged += 1;
    if (book.acknowledged === settings.killAfter) {
      isOver = true;
      settings.kill().then(end.resolve, end.reject);
    }
    return answer.body.refresh_token;
  }

  async function line(): Promise<void> {
    while (true) {
      try {
        await signInAndRefresh(settings, book, acknowledge);
      } catch (error) {
        if (isOver) return;
        throw error;
      }
    }
  }

  await Promise.all([end.promise, ...Array.from({ length: settings.lines }, line)]);
  return book;
}

async function signInAndRefresh(
  { origin, apps, people, random }: BurstSettings,
  book: BurstBook,
  acknowledge: (answer: JsonAnswer) => string,
): Promise<void> {
  const app = oneOf(apps, random);
  const browser = userAgent(origin);
  const code = await app.code(browser, oneOf(people, random));
  book.browsers.push(browser);
  const issued: IssuedCode = { app, code, state: 'issued' };
  book.codes.push(issued);
  if (random() < LEFT_SHARE) return;

  issued.state = 'shown';
  const chain: OpenChain = { app, token: acknowledge(await app.redeem(code)) };
  issued.state = 'used';
  book.chains.push(chain);

  const refreshes = Math.floor(random() * (REFRESHES_MAX + 1));
  for (let count = 0; count < refreshes; count += 1) {
    chain.token = acknowledge(await app.refresh(chain.token));
  }
}

function oneOf<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}
