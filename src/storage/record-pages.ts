// All records of a type, page by page: for commands and copies.
import type { RecordType } from './record-type.ts';
import type { Identified, Store } from './store.ts';

/** Pages of at most `limit` records, which may be removed or changed before the next page is asked for. */
export async function* recordPages<Body extends object>(
  store: Pick<Store, 'scan'>,
  type: RecordType<Body>,
  limit: number,
): AsyncGenerator<readonly Identified<Body>[]> {
  let after: string | undefined;
  do {
    const page = await store.scan(type, { limit, ...(after !== undefined && { after }) });
    yield page.records;
    after = page.next;
  } while (after !== undefined);
}
