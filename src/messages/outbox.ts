// The development profile's mail server: the last mails, in memory only (I7), for the page that shows them.
import type { Clock } from '../core/clock.ts';
import type { Mail, Messenger } from './mail.ts';

export interface OutboxMail extends Mail {
  readonly sentAt: number;
}

export interface Outbox extends Messenger {
  /** Newest first. */
  list(): readonly OutboxMail[];
}

const MAILS_MAX = 50;

export function createOutbox(clock: Clock): Outbox {
  let mails: readonly OutboxMail[] = [];

  async function send(mail: Mail): Promise<void> {
    mails = [{ ...mail, sentAt: clock.now() }, ...mails].slice(0, MAILS_MAX);
  }

  return { send, list: () => mails, close: async () => undefined };
}
