import { describe, expect, it } from 'vitest';
import { createMailQueue, type Mail, type Messenger } from '../../src/messages/mail.ts';

const mail: Mail = { to: 'alice@example.com', subject: 'code', text: 'your code is 12345678' };

describe('createMailQueue', () => {
  it('sends without anybody waiting for it', async () => {
    const { messenger, sent, openGate } = gated();
    const mails = createMailQueue({ messenger, log: noLog });

    mails.add(mail);
    expect(sent).toEqual([]);

    openGate();
    await mails.settled();
    expect(sent).toEqual([mail]);
  });

  it('takes no more than it has room for, and says when to come back (I12)', async () => {
    const { messenger, sent, openGate } = gated();
    const mails = createMailQueue({ messenger, log: noLog, parallel: 2, queueMax: 3 });
    for (let n = 0; n < 5; n += 1) mails.add(mail);

    expect(() => mails.add(mail)).toThrow(
      expect.objectContaining({ code: 'overloaded', retryAfterSeconds: 30 }),
    );

    openGate();
    await mails.settled();
    expect(sent).toHaveLength(5);
    expect(() => mails.add(mail)).not.toThrow();
    await mails.close();
  });

  it('tries again, then gives the mail up', async () => {
    let tries = 0;
    const messenger: Messenger = {
      async send() {
        tries += 1;
        throw new Error('no route to host');
      },
      close: async () => undefined,
    };
    const { log, entries } = logbook();
    const mails = createMailQueue({ messenger, log, retryDelaysMs: [0, 0] });

    mails.add(mail);
    await mails.settled();

    expect(tries).toBe(3);
    expect(entries.map((entry) => entry.facts)).toEqual([
      { failure: 'Error', tries: 1, last: false },
      { failure: 'Error', tries: 2, last: false },
      { failure: 'Error', tries: 3, last: true },
    ]);
  });

  it('logs neither address nor code of what failed (I7)', async () => {
    const refusal = Object.assign(new Error(`550 no such user ${mail.to}: ${mail.text}`), {
      code: 'EENVELOPE',
    });
    const messenger: Messenger = { send: () => Promise.reject(refusal), close: async () => undefined };
    const { log, entries } = logbook();
    const mails = createMailQueue({ messenger, log, retryDelaysMs: [] });

    mails.add(mail);
    await mails.settled();

    expect(JSON.stringify(entries)).toContain('EENVELOPE');
    expect(JSON.stringify(entries)).not.toMatch(/alice|12345678/);
  });

  it('waits for no further try when it closes', async () => {
    let closed = false;
    const messenger: Messenger = {
      send: () => Promise.reject(new Error('down')),
      close: async () => {
        closed = true;
      },
    };
    const { log, entries } = logbook();
    const mails = createMailQueue({ messenger, log, retryDelaysMs: [3_600_000] });
    mails.add(mail);

    await mails.close();

    expect(closed).toBe(true);
    expect(entries.at(-1)?.facts).toMatchObject({ last: true });
  });

  it('waits for no server that never answers when it closes, and says how many mails are lost', async () => {
    let closed = false;
    const messenger: Messenger = {
      send: () => new Promise(() => undefined),
      close: async () => {
        closed = true;
      },
    };
    const { log, entries } = logbook();
    const mails = createMailQueue({ messenger, log, parallel: 1, closeGraceMs: 1 });
    mails.add(mail);
    mails.add(mail);

    await mails.close();

    expect(closed).toBe(true);
    expect(entries).toEqual([{ facts: { mails: 2 }, message: 'mails were dropped on closing' }]);
  });
});

const noLog = { warn: () => undefined };

function logbook() {
  const entries: { facts: object; message: string }[] = [];
  return {
    entries,
    log: { warn: (facts: object, message: string) => void entries.push({ facts, message }) },
  };
}

function gated() {
  const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
  const sent: Mail[] = [];
  const messenger: Messenger = {
    async send(one) {
      await gate;
      sent.push(one);
    },
    close: async () => undefined,
  };
  return { messenger, sent, openGate };
}
