// What records take on the disk, page by page: SQLite tells for each table and index how many it has.
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { deviceSessions } from '../src/sessions/device-session.ts';

export interface SizeFigures {
  records: number;
  fileBytes: number;
  sessions: number;
  /** Bytes per device session: in all, and by table and index. */
  perSession: { all: number; body: number; parts: { name: string; bytes: number; used: number }[] };
}

/** The file must be checkpointed: all of it in the one file. */
export function measureSize(file: string, records: number): SizeFigures {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const table = deviceSessions.name;
    const counted = db.prepare(`SELECT count(*) AS n, avg(length(body)) AS body FROM ${table}`).get();
    const sessions = Number(counted?.n);
    const rows = db
      .prepare(
        `SELECT name, sum(pgsize) AS bytes, sum(pgsize - unused) AS used FROM dbstat
         WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?) GROUP BY name ORDER BY bytes DESC`,
      )
      .all(table);
    const parts = rows.map(({ name, bytes, used }) => ({
      name: String(name),
      bytes: Number(bytes) / sessions,
      used: Number(used) / sessions,
    }));
    return {
      records,
      fileBytes: statSync(file).size,
      sessions,
      perSession: {
        all: parts.reduce((sum, { bytes }) => sum + bytes, 0),
        body: Number(counted?.body),
        parts,
      },
    };
  } finally {
    db.close();
  }
}
