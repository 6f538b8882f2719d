import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { emptyPlace } from './run-cli.ts';

const ada = ['accounts', 'create', '--name', 'Ada', '--email', 'Ada@Example.com'];

describe('strata accounts create', () => {
  it('takes the password from standard input and says who was made', async () => {
    const { run } = await emptyPlace();

    const { code, out, err } = await run([...ada, '--password-stdin'], { input: 'correct horse battery\n' });

    expect(out).toMatch(/^Made account acc_[\w-]{22} for ada@example\.com\.\n$/);
    expect(err).toMatch(/^Made a new database at .*strata\.db\.\n$/);
    expect(code).toBe(0);
  });

  it('makes a password, which is shown once and kept nowhere', async () => {
    const { run } = await emptyPlace();

    const { out } = await run([...ada, '--generate-password']);

    const password = /never again: ((?:[a-z2-9]{5}-){3}[a-z2-9]{5})\n/.exec(out)?.[1] ?? '';
    expect(password).toHaveLength(23);
    expect((await run(['accounts', 'list', '--json'])).out).not.toContain(password);
  });

  it('asks twice where somebody sits there, and shows nothing of what is typed', async () => {
    const { run } = await emptyPlace();
    const input = 'correct horse battery\rcorrect horse battery\r';

    const { code, out, err } = await run(ada, { input, typed: true });

    expect(code).toBe(0);
    expect(err).toContain('Password: \nAgain: \n');
    expect(out + err).not.toContain('horse');
  });

  it('prints JSON for programs, the made password in it', async () => {
    const { run } = await emptyPlace();

    const { out } = await run([
      ...[...ada, '--email-verified', '--username', 'ada', '--group', 'staff', '--group', 'board'],
      ...['--role', 'admin', '--generate-password', '--json'],
    ]);

    expect(JSON.parse(out)).toMatchObject({
      id: expect.stringMatching(/^acc_/),
      state: 'active',
      name: 'Ada',
      email: 'ada@example.com',
      email_verified: true,
      username: 'ada',
      groups: ['staff', 'board'],
      roles: ['admin'],
      has_password: true,
      password: expect.any(String),
    });
  });

  it.each([
    ['a short password', ['--password-stdin'], 'short\n', 'The password must have at least 10 characters.'],
    ['an empty password', ['--password-stdin'], '', 'The password must have at least 10 characters.'],
    [
      'the name as password',
      ['--password-stdin'],
      'ada@example.com',
      'The password must not be the name that one signs in with.',
    ],
    [
      'two lines',
      ['--password-stdin'],
      'correct horse\nbattery staple\n',
      'The password on standard input must be one line.',
    ],
    ['endless input', ['--password-stdin'], 'x'.repeat(5000), 'Standard input is longer than 4096 bytes.'],
    [
      'two sources',
      ['--password-stdin', '--generate-password'],
      '',
      'Choose one of --generate-password and --password-stdin.',
    ],
    [
      'no source',
      [],
      '',
      'Nobody is here to ask for the password: use --generate-password, or pipe it in with --password-stdin.',
    ],
    [
      'a password on the command line',
      ['--password', 'correct horse battery'],
      '',
      "Unknown option '--password'.",
    ],
    [
      'no e-mail address',
      ['--email', 'ada', '--generate-password'],
      '',
      'The e-mail address is none that mail could be sent to.',
    ],
    [
      'a bad user name',
      ['--username', '-', '--generate-password'],
      '',
      'The user name must have 2 to 64 letters, digits, dots, hyphens or underscores.',
    ],
    [
      'an empty name',
      ['--name', ' ', '--generate-password'],
      '',
      'The name must have 1 to 100 characters, none of them invisible.',
    ],
  ])('refuses %s in one sentence', async (_what, options, input, sentence) => {
    const { run } = await emptyPlace();

    const { code, out, err } = await run([...ada, ...options], { input });

    expect(err.replace(/^Made a new database.*\n/, '')).toBe(`${sentence}\n`);
    expect(out).toBe('');
    expect(code).toBe(1);
  });

  it.each([
    ['differ', 'correct horse battery\rcorrect horse\r', 'The two passwords differ.'],
    ['end with Ctrl-C', 'correct\u0003', 'Nothing was entered, and nothing was changed.'],
    ['end with Ctrl-D', '\u0004', 'Nothing was entered, and nothing was changed.'],
  ])('makes nothing where the answers %s', async (_how, input, sentence) => {
    const { run, env } = await emptyPlace();

    const { code, err } = await run(ada, { input, typed: true });

    expect(err).toContain(`\n${sentence}\n`);
    expect(code).toBe(1);
    expect(existsSync(env.STRATA_DATA_DIR)).toBe(false);
  });

  it('refuses a name that is taken', async () => {
    const { run } = await emptyPlace();
    await run([...ada, '--generate-password']);

    const { code, err } = await run([...ada, '--generate-password']);

    expect(err).toBe('There is an account for ada@example.com already.\n');
    expect(code).toBe(1);
  });

  it('wants a name to sign in with before it asks for anything', async () => {
    const { run } = await emptyPlace();

    const { err } = await run(['accounts', 'create', '--name', 'Ada'], { typed: true });

    expect(err).toBe('An account needs a name to sign in with: give --email, --username or both.\n');
  });
});

describe('strata accounts list', () => {
  it('prints a table for people and an array for programs, without hashes', async () => {
    const { run } = await emptyPlace();
    await run([...ada, '--role', 'admin', '--generate-password']);

    const table = (await run(['accounts', 'list'])).out;
    const json = (await run(['accounts', 'list', '--json'])).out;

    expect(table).toMatch(
      /^ID +STATE +LOGIN +NAME +GROUPS +ROLES +CREATED\nacc_\S+ +active +ada@example\.com +Ada +admin +\d/,
    );
    expect(JSON.parse(json)).toEqual([
      expect.objectContaining({ email: 'ada@example.com', state: 'active', has_password: true }),
    ]);
    expect(table + json).not.toContain('argon2');
  });

  it('says what to do where there is nobody', async () => {
    const { run } = await emptyPlace();
    await run(['clients', 'create', '--name', 'Job', '--type', 'service']);

    const { code, out, err } = await run(['accounts', 'list']);

    expect(out).toBe('');
    expect(err).toContain('There are no accounts yet. Make one: strata accounts create');
    expect(code).toBe(0);
  });

  it('lists more accounts than one page holds', async () => {
    const { run, env } = await emptyPlace();
    await addMany(env, 1_100);

    expect(JSON.parse((await run(['accounts', 'list', '--json'])).out)).toHaveLength(1_100);
    expect((await run(['accounts', 'list'])).out.split('\n')).toHaveLength(1 + 1_100 + 1);
  });
});

describe('strata accounts lock and unlock', () => {
  it('find the account by id, address or user name, and say what they did', async () => {
    const { run } = await emptyPlace();
    const made = await run([...ada, '--username', 'ada', '--generate-password', '--json']);
    const { id } = JSON.parse(made.out);
    const who = `ada@example.com, ada (${id})`;

    expect((await run(['accounts', 'lock', 'ADA@example.com'])).out).toBe(
      `${who} is locked; no session was live.\n`,
    );
    expect((await run(['accounts', 'lock', id])).out).toBe(
      `${who} was locked already; no session was live.\n`,
    );
    expect((await run(['accounts', 'unlock', 'ada'])).out).toBe(`${who} can sign in again.\n`);
    expect((await run(['accounts', 'unlock', 'ada'])).out).toBe(`${who} was not locked.\n`);
  });

  it('keep the reason for other operators', async () => {
    const { run } = await emptyPlace();
    await run([...ada, '--generate-password']);
    await run(['accounts', 'lock', 'ada@example.com', '--reason', 'sells fakes']);

    const [account] = JSON.parse((await run(['accounts', 'list', '--json'])).out);

    expect(account).toMatchObject({
      state: 'locked',
      locked_reason: 'sells fakes',
      locked_at: expect.any(String),
    });
  });

  it.each(['lock', 'unlock'])('%s says when there is no such account', async (command) => {
    const { run } = await emptyPlace();
    await run([...ada, '--generate-password']);

    const { code, err } = await run(['accounts', command, 'nobody']);

    expect(err).toBe('There is no account nobody.\n');
    expect(code).toBe(1);
  });
});

/** Straight into the store: a command for each would take its time. */
async function addMany(env: Record<string, string>, count: number): Promise<void> {
  const { createAccount } = await import('../../src/accounts/account.ts');
  const { loadConfig } = await import('../../src/config/load.ts');
  const { openFoundation } = await import('../../src/foundation.ts');
  const foundation = await openFoundation(loadConfig({ env, cwd: '/' }));
  const names = Array.from({ length: count }, (_each, index) => `person-${index}`);
  await Promise.all(names.map((name) => createAccount(foundation, { name, username: name })));
  await foundation.close();
}
