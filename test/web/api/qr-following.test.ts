import { describe, expect, it } from 'vitest';
import { matchesTag, waitSeconds } from '../../../src/web/api/qr-following.ts';

describe('waitSeconds', () => {
  it.each([
    ['25', 25],
    ['1', 1],
    ['0', 0],
    ['26', 25],
    ['999', 25],
  ])('%s waits %i s', (wait, seconds) => {
    expect(waitSeconds(wait)).toBe(seconds);
  });

  it.each([[undefined], [''], ['-1'], ['1e3'], ['2.5'], ['25s'], ['Infinity'], ['1000'], [['25', '25']]])(
    '%j does not wait',
    (wait) => {
      expect(waitSeconds(wait)).toBe(0);
    },
  );
});

describe('matchesTag', () => {
  it.each([['W/"3.0"'], ['"3.0"'], ['"1", W/"3.0"'], [' W/"3.0" ']])('%s is known', (header) => {
    expect(matchesTag(header, 'W/"3.0"')).toBe(true);
  });

  it.each([[''], ['*'], ['3.0'], ['W/"3.1"'], ['w/"3.0"'], ['"3.0']])('%s is not', (header) => {
    expect(matchesTag(header, 'W/"3.0"')).toBe(false);
  });
});
