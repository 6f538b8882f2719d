// /api/qr/transactions/:id: following a transaction, by a stream, by long polls or by polls, and giving it up.
// Whoever waits learns how it stands, never a token.
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { findAccount } from '../../accounts/account.ts';
import type { AccountId } from '../../core/ids.ts';
import { randomFraction } from '../../core/secrets.ts';
import { cancelTransaction } from '../../qr/approving.ts';
import { followTransaction } from '../../qr/following.ts';
import type { StreamEvent } from '../../qr/stream-events.ts';
import { snapshotTag, trueForMs } from '../../qr/stream-events.ts';
import type { QrSnapshot } from '../../qr/viewing.ts';
import { viewTransaction } from '../../qr/viewing.ts';
import type { WireEvent } from '../event-stream.ts';
import { eventStream, responseSignal } from '../event-stream.ts';
import type { WebDeps } from '../web-deps.ts';
import { requireAccess, secretAccess } from './qr-access.ts';
import { statePayload, wireEvent } from './qr-payloads.ts';
import { answerQrProblem, answerQrRefusal } from './qr-problems.ts';

/** Proxies end what is silent for 30 s, and RFC 8628's pollers ask every 5 s. */
const WAIT_SECONDS_MAX = 25;

export async function showTransaction(deps: WebDeps, ctx: Context): Promise<void> {
  const access = await requireAccess(deps, ctx);
  if (!access) return;

  const look = () => viewTransaction(deps.qr, { id: idOf(ctx), access, labelOf: labelIn(deps) });
  const first = await look();
  if (first.kind === 'refused') return answerQrRefusal(ctx, first.refusal);

  const snapshot = isKnown(ctx, first) && (await waited(deps, ctx, first)) ? await look() : first;
  if (snapshot.kind === 'refused') return answerQrRefusal(ctx, snapshot.refusal);

  ctx.set('etag', etagOf(snapshot));
  if (isKnown(ctx, snapshot)) ctx.status = 304;
  else ctx.body = statePayload(snapshot);
}

/** Waits until there is something new to see or the time is over; false where there was no waiting. */
async function waited(deps: WebDeps, ctx: Context, snapshot: QrSnapshot): Promise<boolean> {
  const seconds = waitSeconds(ctx.query.wait);
  if (seconds === 0) return false;

  const timeoutMs = Math.min(seconds * 1000, trueForMs(snapshot));
  const outcome = await deps.qr.waiters.wait(snapshot.id, {
    sinceVersion: snapshot.version,
    timeoutMs,
    signal: responseSignal(ctx, deps.shutdown, timeoutMs),
  });
  // No room to wait in: the client is told how soon it may ask again.
  if (outcome === 'full') ctx.set('retry-after', String(deps.config.qr.interval / 1000));
  return outcome !== 'full';
}

export function waitSeconds(wait: unknown): number {
  if (typeof wait !== 'string' || !/^\d{1,3}$/.test(wait)) return 0;

  return Math.min(Number(wait), WAIT_SECONDS_MAX);
}

function isKnown(ctx: Context, snapshot: QrSnapshot): boolean {
  return matchesTag(ctx.get('if-none-match'), etagOf(snapshot));
}

/** Weak: two answers of one tag show the same, but for the time that remains. */
function etagOf(snapshot: QrSnapshot): string {
  return `W/"${snapshotTag(snapshot)}"`;
}

/** `If-None-Match` compares weakly (RFC 9110 §13.1.2). */
export function matchesTag(ifNoneMatch: string, etag: string): boolean {
  const known = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return known.includes(etag.replace(/^W\//, ''));
}

const STREAM_LIFE_MS = 5 * 60_000;
const HEARTBEAT_MS = 15_000;
/** Streams that end together, at a restart say, come back one after the other. */
const RETRY_MS = { least: 1_000, spread: 4_000 };

export async function streamTransaction(deps: WebDeps, ctx: Context): Promise<void> {
  const access = await requireAccess(deps, ctx);
  if (!access) return;

  const signal = responseSignal(ctx, deps.shutdown, STREAM_LIFE_MS);
  const following = await followTransaction(deps.qr, { id: idOf(ctx), access, signal });
  if (following.kind === 'refused') return answerQrRefusal(ctx, following.refusal);

  ctx.status = 200;
  ctx.type = 'text/event-stream';
  ctx.set({ 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' });
  const retryMs = RETRY_MS.least + RETRY_MS.spread * randomFraction();
  const text = eventStream(drawnEvents(following.events), { retryMs, heartbeatMs: HEARTBEAT_MS });
  ctx.body = Readable.from(text);
}

async function* drawnEvents(events: AsyncIterable<StreamEvent>): AsyncGenerator<WireEvent, void, void> {
  for await (const event of events) yield wireEvent(event);
}

export async function deleteTransaction(deps: WebDeps, ctx: Context): Promise<void> {
  // By the secret alone: nothing that a cookie could cause. The page's own "not me" is a form.
  const access = secretAccess(ctx);
  if (!access) return answerQrProblem(ctx, 'not_found');

  const outcome = await cancelTransaction(deps.qr, { id: idOf(ctx), access });
  if (outcome.kind === 'refused') return answerQrRefusal(ctx, outcome.refusal);
  ctx.status = 204;
}

function idOf(ctx: Context): string {
  return String(ctx.params.id ?? '');
}

/** Names the account of an approval for "continue as …?". */
export function labelIn({ store }: Pick<WebDeps, 'store'>): (accountId: AccountId) => Promise<string> {
  return async (accountId) => {
    const account = await findAccount(store, accountId);
    return account?.email ?? account?.name ?? '';
  };
}
