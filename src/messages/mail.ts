// What a mail is, and how one leaves. A request only ever puts a mail in the queue: waiting for a mail server
// would tell by time whether there was a mail to send (I10) and hold requests while it is slow.
import { setTimeout } from 'node:timers/promises';
import { createWorkQueue } from '../protection/work-queue.ts';

/** Plain text; no address, no code and no link of it ever enters a log. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export interface Messenger {
  send(mail: Mail): Promise<void>;
  close(): Promise<void>;
}

export interface MailQueue {
  /** Takes the mail, or throws `DomainError` with `overloaded` when the queue is full. Never waits. */
  add(mail: Mail): void;
  /** Resolves when everything taken so far was sent or given up. */
  settled(): Promise<void>;
  /** Sends what is queued, with no further tries, as long as the grace lasts; then closes the messenger. */
  close(): Promise<void>;
}

export interface MailQueueOptions {
  readonly messenger: Messenger;
  readonly log: { warn(facts: object, message: string): void };
  /** Mails being sent at once. */
  readonly parallel?: number;
  /** Mails that wait for their turn. */
  readonly queueMax?: number;
  /** How long to wait before each further try; as many tries as delays, and the first. */
  readonly retryDelaysMs?: readonly number[];
  /** How long closing waits for mails that are on their way. */
  readonly closeGraceMs?: number;
}

const PARALLEL = 3;
const QUEUE_MAX = 200;
const RETRY_DELAYS_MS = [2_000, 15_000];
const RETRY_AFTER_SECONDS = 30;
const CLOSE_GRACE_MS = 5_000;

/** In memory: a mail holds a code in clear and must not be written (I7). After a crash people ask again. */
export function createMailQueue(options: MailQueueOptions): MailQueue {
  const { messenger, log, parallel = PARALLEL, queueMax = QUEUE_MAX } = options;
  const { retryDelaysMs: delays = RETRY_DELAYS_MS, closeGraceMs = CLOSE_GRACE_MS } = options;
  const queue = createWorkQueue({
    name: 'mail',
    parallel,
    queueMax,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
  const closing = new AbortController();
  const jobs = new Set<Promise<void>>();

  async function deliver(mail: Mail): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const failure = await failureOf(messenger.send(mail));
      if (failure === undefined) return;
      const delay = delays[tries - 1];
      const last = delay === undefined || closing.signal.aborted;
      log.warn({ failure, tries, last }, 'a mail could not be sent');
      if (last) return;
      await pause(delay, closing.signal);
    }
  }

  function add(mail: Mail): void {
    queue.refuseIfFull();
    const job = queue.run(() => deliver(mail)).finally(() => jobs.delete(job));
    jobs.add(job);
  }

  async function settled(): Promise<void> {
    await Promise.all(jobs);
  }

  async function close(): Promise<void> {
    closing.abort();
    await Promise.race([settled(), setTimeout(closeGraceMs, undefined, { ref: false })]);
    if (jobs.size > 0) log.warn({ mails: jobs.size }, 'mails were dropped on closing');
    await messenger.close();
  }

  return { add, settled, close };
}

/** The error's name and code; its message may quote the recipient. */
async function failureOf(sending: Promise<void>): Promise<string | undefined> {
  try {
    await sending;
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) return 'unknown';
    return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  }
}

/** Ends early when the process is about to stop. */
async function pause(ms: number, until: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal: until }).catch(() => undefined);
}
