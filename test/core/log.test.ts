import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../src/core/errors.ts';
import { createLog, type Log, type LogLevel } from '../../src/core/log.ts';

/** Stands for every secret; a test fails where it comes through. */
const planted = 'pl4nted-s3cret';

function recorded(level: LogLevel = 'info'): { log: Log; lines: string[]; last(): Record<string, unknown> } {
  const lines: string[] = [];
  const log = createLog({ level, destination: { write: (line) => lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') };
}

describe('createLog', () => {
  it('writes one JSON object a line, with time, level by name, facts and message', () => {
    const { log, lines, last } = recorded();
    log.info({ sid: 'ses_1' }, 'a session began');

    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(last()).toEqual({ level: 'info', time: expect.any(String), sid: 'ses_1', msg: 'a session began' });
    expect(Date.parse(String(last().time))).toBeGreaterThan(0);
  });

  it('keeps line breaks of foreign text inside the line', () => {
    const { log, lines } = recorded();
    log.warn({ agent: 'a\n{"level":"fatal"}\r\n' }, 'odd agent');

    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/);
  });

  it('is silent below its level', () => {
    const { log, lines } = recorded('warn');
    log.info({}, 'quiet');
    log.warn({}, 'loud');

    expect(lines).toHaveLength(1);
  });

  it('goes to stderr, so that a command can print its answer on stdout', () => {
    const module = fileURLToPath(new URL('../../src/core/log.ts', import.meta.url));
    const script = `import(${JSON.stringify(module)}).then(({ createLog }) => createLog({ level: 'info' }).info({}, 'x'))`;

    expect(
      execFileSync(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] }).toString(),
    ).toBe('');
  });
});

describe('redaction (I7)', () => {
  it.each([
    'access_token',
    'accessToken',
    'refresh_token',
    'refreshToken',
    'id_token',
    'id_token_hint',
    'token',
    'subject_token',
    'code',
    'code_verifier',
    'client_secret',
    'clientSecret',
    'client_assertion',
    'device_code',
    'user_code',
    'map_token',
    'pam_token',
    'handshake',
    'number',
    'secret',
    'masterSecret',
    'previousMasterSecret',
    'password',
    'new_password',
    'passwordHash',
    'smtpUrl',
    'authorization',
    'Authorization',
    'cookie',
    'set-cookie',
    'dpop',
    'csrf',
  ])('blanks %s at the top, nested and in lists', (field) => {
    const { log, lines } = recorded();
    const facts = { [field]: planted };
    log.info(facts, 'top');
    log.info({ headers: facts }, 'one level down');
    log.info({ request: undefined, body: { inner: facts } }, 'two levels down');
    log.info({ list: [facts, { deeper: facts }] }, 'in a list');

    expect(lines.join('')).not.toContain(planted);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('[secret]');
  });

  it('blanks lists and objects under such a name as a whole', () => {
    const { log, lines } = recorded();
    log.info({ 'set-cookie': [planted], token: { value: planted } }, 'whole');

    expect(lines.join('')).not.toContain(planted);
  });

  it('leaves the object that was logged as it is', () => {
    const { log } = recorded();
    const facts = { password: planted, inner: { code: planted } };
    log.info(facts, 'kept');

    expect(facts).toEqual({ password: planted, inner: { code: planted } });
  });

  it('blanks what is hidden behind toJSON, and does not follow circles', () => {
    const { log, lines } = recorded();
    const circle: Record<string, unknown> = { password: planted };
    circle.again = circle;
    log.info({ lazy: { toJSON: () => ({ secret: planted }) }, circle, at: new Date(0) }, 'odd');

    expect(lines.join('')).not.toContain(planted);
    expect(lines.join('')).toContain('1970-01-01T00:00:00.000Z');
  });

  it('keeps what is harmless', () => {
    const { log, last } = recorded();
    log.info({ sid: 'ses_1', clientId: 'app', reason: 'reuse', status: 400 }, 'harmless');

    expect(last()).toMatchObject({ sid: 'ses_1', clientId: 'app', reason: 'reuse', status: 400 });
  });
});

describe('requests', () => {
  it.each([
    ['url', { method: 'GET', url: `/authorize?code=${planted}&state=${planted}` }],
    ['path', { method: 'GET', path: '/authorize', query: { state: planted }, headers: { cookie: planted } }],
    ['fragment', { method: 'GET', url: `/authorize#${planted}` }],
  ])('are written as method and path, from the %s', (_from, request) => {
    const { log, lines, last } = recorded();
    log.info({ request }, 'answered');

    expect(last().request).toEqual({ method: 'GET', path: '/authorize' });
    expect(lines.join('')).not.toContain(planted);
  });

  it('of a strange shape do no harm', () => {
    const { log, last } = recorded();
    log.info({ request: null, req: 'GET /' }, 'strange');

    expect(last()).toMatchObject({ req: '[no request]' });
  });
});

describe('errors', () => {
  it('are written with type, message, code, detail, stack and cause', () => {
    const { log, last } = recorded();
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    log.error({ error: new DomainError('store_unavailable', { detail: 'disk is full', cause }) }, 'failed');

    expect(last().error).toMatchObject({
      type: 'DomainError',
      message: 'disk is full',
      errorCode: 'store_unavailable',
      stack: expect.stringContaining('log.test.ts'),
      cause: { type: 'Error', message: 'no space', errorCode: 'ENOSPC' },
    });
  });

  it('leave behind what libraries hang on them, whatever name they are logged under', () => {
    const { log, lines } = recorded();
    const carried = { body: planted, request: { body: planted }, config: { headers: planted } };
    const error = Object.assign(
      new Error('outer', { cause: Object.assign(new Error('inner'), carried) }),
      carried,
    );
    log.error({ error }, 'one');
    log.error({ failure: error }, 'two');
    log.error(error, 'three');

    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain(planted);
    expect(lines.every((line) => line.includes('inner'))).toBe(true);
  });

  it.each([
    `request to https://hook.example/claims?token=${planted} failed`,
    `GET https://id.example/callback#access_token=${planted}`,
    `connect smtps://user:${planted}@mail.example:465`,
    'bad token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJwbDRudGVkLXMzY3JldCJ9.pl4nted-s3cret',
  ])('lose the secrets that their message quotes: %s', (message) => {
    const { log, lines } = recorded();
    log.error({ error: new TypeError(message) }, 'failed');

    expect(lines.join('')).not.toContain(planted);
  });

  it('that cause each other in a circle come to an end', () => {
    const { log, lines } = recorded();
    const error = new Error('circle');
    error.cause = error;
    log.error({ error }, 'failed');

    expect(lines).toHaveLength(1);
  });
});
