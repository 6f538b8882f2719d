// How many records a page may hold, whichever the driver.
import { DomainError } from '../core/errors.ts';
import type { ListOptions } from './store.ts';

const LIMIT_MAX = 1000;

/** Throws `invalid_request`. */
export function pageLimit({ limit }: Pick<ListOptions, 'limit'>): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new DomainError('invalid_request', { detail: `a page holds 1 to ${LIMIT_MAX} records` });
}
