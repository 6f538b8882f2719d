// A process of an older release that has the file open: plain SQL, as that release spoke it, with columns that a
// newer one has added since left alone. It writes and reads for ever and tells of every round.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';

/** How many people it has written and found again, or what stopped it. */
export type Round = { kind: 'round'; written: number } | { kind: 'failed'; why: string };

const [path] = process.argv.slice(2);
assert(path !== undefined, 'started with the path of a file');
const db = new DatabaseSync(path, { timeout: 10_000 });
const write = db.prepare('INSERT INTO "person" (id, body, expires_at) VALUES (?, ?, NULL)');
const read = db.prepare('SELECT body FROM "person" WHERE id = ?');

let written = 0;
round();

function round(): void {
  try {
    write.run(`late-${written}`, JSON.stringify({ login: `late-${written}`, team: 'blue', since: written }));
    const found = read.get(`late-${Math.floor(written / 2)}`);
    assert(found !== undefined, 'what was written is found again');
  } catch (error) {
    tell({ kind: 'failed', why: String(error) });
    return;
  }
  written += 1;
  tell({ kind: 'round', written });
  // A pause, as between requests: without any the other process would get its turn by chance alone.
  setTimeout(round, 2);
}

function tell(message: Round): void {
  process.send?.(message);
}
