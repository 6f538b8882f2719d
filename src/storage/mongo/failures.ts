// What the driver throws, in the words of the store. A server's message may quote the document that it refused,
// and a connection's the URL it was made by, so neither is passed on as it is; host and port may be.
import assert from 'node:assert/strict';
import { MongoError, MongoServerError } from 'mongodb';
import { DomainError } from '../../core/errors.ts';
import { storeIsMoving } from '../moves.ts';
import { isRefusedByMove } from './frozen.ts';

const DUPLICATE_KEY = 11_000;

/** What the caller did wrong is told as it is; everything else is the database's failure. */
export function storeFailure(error: unknown): Error {
  if (error instanceof DomainError || error instanceof assert.AssertionError) return error;
  if (isRefusedByMove(error)) return storeIsMoving();
  return new DomainError('store_unavailable', { detail: sentenceOf(error) });
}

export function overloaded(detail: string): DomainError {
  return new DomainError('overloaded', { detail, retryAfterSeconds: 1 });
}

export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** Whether the server itself refused the command, so that nothing of it was applied. */
export function isRefusal(error: unknown): boolean {
  return isAnswer(error) && !hasLabel(error, 'TransientTransactionError');
}

/** Whether it came from the server. For bulk writes the driver wraps its own errors like those. */
export function isAnswer(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && typeof error.code === 'number';
}

export function hasLabel(error: unknown, label: string): boolean {
  return error instanceof MongoError && error.hasErrorLabel(label);
}

function sentenceOf(error: unknown): string {
  if (isAnswer(error)) {
    const name = typeof error.codeName === 'string' ? error.codeName : error.name;
    return `MongoDB answered with an error: ${name} (${error.code})`;
  }
  if (!(error instanceof Error)) return 'MongoDB failed for an unknown reason';
  return `MongoDB failed: ${error.name}: ${error.message.replaceAll(/mongodb(\+srv)?:\/\/\S*/g, 'its address')}`;
}
