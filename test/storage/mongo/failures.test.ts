import assert from 'node:assert/strict';
import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../src/core/errors.ts';
import { isAnswer, isDuplicateKey, isRefusal, storeFailure } from '../../../src/storage/mongo/failures.ts';

const network = new MongoNetworkError('connection 3 to mongodb://ann:secret@db.example/app?x=1 closed');
const refusal = new MongoServerError({ code: 28, codeName: 'PathNotViable', errmsg: 'in {login: "ann"}' });
const duplicate = new MongoServerError({ code: 11_000, errmsg: 'dup key: { _id: "x" }' });
/** As the driver dresses a broken connection in the middle of a bulk write. */
const dressed = new MongoBulkWriteError(network, {} as ConstructorParameters<typeof MongoBulkWriteError>[1]);

describe('storeFailure', () => {
  it('leaves the word of the store and what a caller did wrong as they are', () => {
    const own = new DomainError('overloaded');
    const wrong = new assert.AssertionError({ message: 'no index' });

    expect(storeFailure(own)).toBe(own);
    expect(storeFailure(wrong)).toBe(wrong);
  });

  it.each([
    ['an answer', refusal, 'MongoDB answered with an error: PathNotViable (28)'],
    ['an answer without a name', duplicate, 'MongoDB answered with an error: MongoServerError (11000)'],
    ['a broken connection', network, 'MongoDB failed: MongoNetworkError: connection 3 to its address closed'],
    ['what is no error at all', 'ann:secret', 'MongoDB failed for an unknown reason'],
  ])('says of %s what it was, and no secret', (_, error, detail) => {
    const failure = storeFailure(error);

    expect(failure).toMatchObject({ code: 'store_unavailable', detail });
    expect(failure.cause).toBeUndefined();
    expect(`${failure.stack}`).not.toMatch(/secret|ann/);
  });

  it('takes no broken connection for an answer, however it is dressed', () => {
    expect(storeFailure(dressed)).toMatchObject({ detail: expect.not.stringContaining('answered') });
    expect([isAnswer(dressed), isRefusal(dressed), isDuplicateKey(dressed)]).toEqual([false, false, false]);
    expect([isAnswer(refusal), isRefusal(refusal), isDuplicateKey(refusal)]).toEqual([true, true, false]);
    expect([isAnswer(duplicate), isRefusal(duplicate), isDuplicateKey(duplicate)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('takes what may be tried again for no refusal', () => {
    const conflict = new MongoServerError({ code: 112, errorLabels: ['TransientTransactionError'] });

    expect([isAnswer(conflict), isRefusal(conflict)]).toEqual([true, false]);
  });
});
