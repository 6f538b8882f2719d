// Mail by SMTP. The connection is encrypted unless the server is this machine or the URL says otherwise in so
// many words (`?requireTLS=false`): a code that crosses a network in clear is everybody's.
import { isIPv4 } from 'node:net';
import { createTransport } from 'nodemailer';
import type { Mail, Messenger } from './mail.ts';

export interface SmtpOptions {
  /** `smtp://user:password@host:587` or `smtps://…:465`; holds a secret. */
  readonly url: string;
  /** The sender, as `Name <address>`. */
  readonly from: string;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** For a whole mail, waiting for a pooled connection included. */
const SEND_TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 3;
const MESSAGES_PER_CONNECTION = 100;

export function createSmtpMessenger({ url, from }: SmtpOptions): Messenger {
  const transport = createTransport({
    ...serverOf(new URL(url)),
    pool: true,
    maxConnections: CONNECTIONS_MAX,
    maxMessages: MESSAGES_PER_CONNECTION,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SEND_TIMEOUT_MS,
    // Mails are made of our own texts alone; nothing in one may make the sender read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  async function send(mail: Mail): Promise<void> {
    await transport.sendMail({
      // An object instead of text, so that nothing in an address is taken for a second recipient.
      to: { name: '', address: mail.to },
      from,
      subject: mail.subject,
      text: mail.text,
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
    });
  }

  return { send, close: async () => transport.close({ force: true }) };
}

function serverOf(url: URL) {
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const auth = url.username && {
    user: decodeURIComponent(url.username),
    pass: decodeURIComponent(url.password),
  };
  return {
    host,
    secure,
    requireTLS: url.searchParams.get('requireTLS') !== 'false' && !isLoopback(host),
    ...(url.port && { port: Number(url.port) }),
    ...(auth && { auth }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
