import { describe, expect, it } from 'vitest';
import { createOutbox } from '../../src/messages/outbox.ts';
import { testClock } from '../support/test-clock.ts';

describe('createOutbox', () => {
  it('keeps the last fifty mails, newest first (I12)', async () => {
    const clock = testClock(0);
    const outbox = createOutbox(clock);
    for (let n = 1; n <= 60; n += 1) {
      clock.advance(1);
      await outbox.send({ to: 'a@b.example', subject: `mail ${n}`, text: '' });
    }

    const mails = outbox.list();

    expect(mails).toHaveLength(50);
    expect(mails[0]).toEqual({ to: 'a@b.example', subject: 'mail 60', text: '', sentAt: 60 });
    expect(mails.at(-1)?.subject).toBe('mail 11');
  });
});
