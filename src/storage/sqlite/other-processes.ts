// Wake-ups between the processes on one file. What this one says is a row in a table of its own, in one
// transaction with the commits of that moment, or alone where there are none; what the others said is looked for four times a second, and only while somebody here waits for anything.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { randomToken } from '../../core/secrets.ts';
import { keyValueOf } from '../key-text.ts';
import type { WakeUps } from '../wake-ups.ts';
import { WAKE_UPS, WAKE_UPS_NAME } from './wake-up-table.ts';
import type { Writer } from './writer.ts';

const LOOK_EVERY_MS = 250;
/** Rows of one look; the next one goes on behind them. */
const ROWS_MAX = 1_000;

export class OtherProcesses {
  /** Tells the rows of this open store from those of others, even in the same process. */
  readonly #origin = randomToken(16);
  readonly #writer: Writer;
  readonly #wakeUps: WakeUps;
  readonly #newest: StatementSync;
  readonly #since: StatementSync;
  /** The number of the last row that was seen; undefined where it could not be had. */
  #place: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `db` is a connection that reads. */
  constructor(db: DatabaseSync, writer: Writer, wakeUps: WakeUps) {
    this.#writer = writer;
    this.#wakeUps = wakeUps;
    this.#newest = db.prepare('SELECT seq FROM sqlite_sequence WHERE name = ?');
    this.#since = db.prepare(
      `SELECT n, origin, topic, key FROM ${WAKE_UPS} WHERE n > ? ORDER BY n LIMIT ${ROWS_MAX}`,
    );
  }

  /** Dropped where the queue is full or the store is closed: a wake-up may be lost. */
  tell(topic: string, key: string): void {
    const job = { kind: 'wake_up', wakeUp: { origin: this.#origin, topic, key } } as const;
    this.#writer.submit(job).catch(() => undefined);
  }

  /** From now on whatever the others say is passed on. */
  listen(): void {
    if (this.#closed || this.#timer !== undefined) return;

    this.#place = unlessFailed(() => this.#newestNumber());
    this.#timer = setInterval(() => unlessFailed(() => this.#look()), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.#closed = true;
    this.rest();
  }

  #look(): void {
    const rows = this.#place === undefined ? [] : this.#since.all(this.#place);
    const next = rows.length > 0 ? Number(rows[0]?.n) : undefined;

    if (this.#place === undefined || (next !== undefined && next > this.#place + 1)) {
      this.#place = this.#newestNumber();
      this.#wakeUps.missed();
      return;
    }
    this.#place = Number(rows.at(-1)?.n ?? this.#place);
    for (const { origin, topic, key } of rows) {
      if (origin !== this.#origin) this.#wakeUps.notify(keyValueOf(String(topic)), keyValueOf(String(key)));
    }
  }

  #newestNumber(): number {
    return Number(this.#newest.get(WAKE_UPS_NAME)?.seq ?? 0);
  }
}

/** What one look could not read the next one finds. */
function unlessFailed<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
