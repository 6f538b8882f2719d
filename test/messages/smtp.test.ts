import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSmtpMessenger } from '../../src/messages/smtp.ts';

const mail = { to: 'alice@example.com', subject: '您的注册验证码', text: 'code 12345678\n.\nend\n' };

describe('createSmtpMessenger', () => {
  it('hands a mail to the server, to one recipient', async () => {
    const { url, letters } = await mailServer();
    const messenger = smtp(url);

    await messenger.send(mail);

    const [letter] = letters;
    expect(letter?.commands).toContain('MAIL FROM:<no-reply@id.example>');
    expect(letter?.commands.filter((line) => line.startsWith('RCPT'))).toEqual([
      'RCPT TO:<alice@example.com>',
    ]);
    expect(letter?.text).toContain('From: Strata <no-reply@id.example>');
    expect(letter?.text).toContain('Auto-Submitted: auto-generated');
    expect(letter?.text).toContain('code 12345678');
  });

  it('signs in with what the URL holds', async () => {
    const { url, letters } = await mailServer({ greeting: ['250-test', '250 AUTH PLAIN'] });
    const messenger = smtp(url.replace('//', '//us%40er:pa%3Ass@'));

    await messenger.send(mail);

    const credentials = Buffer.from('\u0000us@er\u0000pa:ss').toString('base64');
    expect(letters[0]?.commands).toContain(`AUTH PLAIN ${credentials}`);
  });

  it('uses one connection for several mails', async () => {
    const { url, letters, connections } = await mailServer();
    const messenger = smtp(url);

    for (let n = 0; n < 3; n += 1) await messenger.send(mail);

    expect(letters).toHaveLength(3);
    expect(connections()).toBe(1);
  });

  it('fails when the server refuses', async () => {
    const { url } = await mailServer({ refuse: '550 no such user' });

    await expect(smtp(url).send(mail)).rejects.toMatchObject({ code: 'EENVELOPE' });
  });

  it('fails when nobody listens', async () => {
    const { url, close } = await mailServer();
    await close();

    await expect(smtp(url).send(mail)).rejects.toMatchObject({ code: 'ESOCKET' });
  });

  it('sends nothing in clear to a server that is not this machine', async () => {
    const { url, letters } = await mailServer();
    // 127.0.0.1 in the form of IPv6 is no loopback name that the messenger knows, and yet reaches the server.
    const foreign = url.replace('127.0.0.1', '[::ffff:127.0.0.1]');

    await expect(smtp(foreign).send(mail)).rejects.toMatchObject({ code: 'ETLS' });
    expect(letters).toEqual([]);

    await smtp(`${foreign}?requireTLS=false`).send(mail);
    expect(letters).toHaveLength(1);
  });
});

function smtp(url: string) {
  const messenger = createSmtpMessenger({ url, from: 'Strata <no-reply@id.example>' });
  onTestFinished(() => messenger.close());
  return messenger;
}

interface Letter {
  commands: string[];
  text: string;
}

/** As much of an SMTP server as the messenger needs. */
async function mailServer({ greeting = ['250 test'], refuse = '' } = {}) {
  const letters: Letter[] = [];
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    converse(socket, { letters, greeting, refuse });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => closeAll(server, sockets);
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;
  return { url: `smtp://127.0.0.1:${port}`, letters, connections: () => count, close };
}

function converse(
  socket: Socket,
  { letters, greeting, refuse }: { letters: Letter[]; greeting: string[]; refuse: string },
): void {
  let commands: string[] = [];
  let body: string[] | undefined;
  const say = (line: string) => void socket.write(`${line}\r\n`);
  say('220 test');
  createInterface({ input: socket }).on('line', (line) => {
    if (body) {
      if (line !== '.') return void body.push(line);
      letters.push({ commands, text: body.join('\n') });
      [commands, body] = [[], undefined];
      return say('250 queued');
    }
    commands.push(line);
    if (line.startsWith('EHLO')) for (const part of greeting) say(part);
    else if (line === 'DATA') {
      body = [];
      say('354 go on');
    } else if (line.startsWith('AUTH')) say('235 welcome');
    else if (line === 'STARTTLS') say('502 no encryption here');
    else if (line.startsWith('RCPT') && refuse) say(refuse);
    else say('250 fine');
  });
}

function closeAll(server: Server, sockets: Set<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
