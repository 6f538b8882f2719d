import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Complaint, ConfigurationError } from '../../src/config/complaints.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { testMasterSecret } from '../support/test-config.ts';

let cwd: string;

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'strata-config-'));
});

afterAll(() => {
  rmSync(cwd, { recursive: true });
});

function load(yaml: string, env: Record<string, string> = {}): Config {
  writeFileSync(join(cwd, 'strata.yaml'), yaml);
  return loadConfig({ file: 'strata.yaml', env, cwd });
}

function errorOf(run: () => unknown): ConfigurationError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

function complaintsOf(yaml: string, env: Record<string, string> = {}): readonly Complaint[] {
  return errorOf(() => load(yaml, env)).complaints;
}

function pathsOf(yaml: string, env: Record<string, string> = {}): string[] {
  return complaintsOf(yaml, env).map(({ path }) => path);
}

const production = `profile: production
issuer: https://id.example.com
`;
const secret = { STRATA_MASTER_SECRET: testMasterSecret };

describe('loadConfig', () => {
  it('takes the development profile that comes with the program where no file is named', () => {
    const config = loadConfig({ env: {}, cwd });

    expect(config).toMatchObject({ profile: 'development', playground: true, demo: true });
    expect(config.issuer).toBe('http://127.0.0.1:3000');
    expect(config.dataDir).toBe(join(cwd, '.data'));
    expect(config.masterSecret).toBeUndefined();
  });

  it('takes the file that STRATA_CONFIG names, and the one that it was handed before it', () => {
    writeFileSync(join(cwd, 'one.yaml'), 'profile: development\nbranding: { name: One }');
    writeFileSync(join(cwd, 'other.yaml'), 'profile: development\nbranding: { name: Other }');
    const env = { STRATA_CONFIG: 'one.yaml' };

    expect(loadConfig({ env, cwd }).branding.name).toBe('One');
    expect(loadConfig({ file: join(cwd, 'other.yaml'), env, cwd }).branding.name).toBe('Other');
  });

  it('is of the production profile where the file names none', () => {
    expect(pathsOf('listen: { port: 3000 }')).toEqual(['issuer', 'masterSecretFile']);
  });

  it('parses durations to milliseconds', () => {
    const config = load('profile: development\nsessions: { refreshWindow: 30s, tombstones: 7d }');

    expect(config.sessions).toMatchObject({
      refreshWindow: 30_000,
      tombstones: 604_800_000,
      interaction: 3_600_000,
    });
  });

  it('treats an empty setting as one that is not there', () => {
    expect(load('profile: development\nlisten:\n  port:\nqr:\n').listen.port).toBe(3000);
  });

  it('accepts an empty file as far as production needs no more', () => {
    expect(load('', { ...secret, STRATA_ISSUER: 'https://id.example.com' }).profile).toBe('production');
  });
});

describe('the environment', () => {
  it('wins over the file', () => {
    const config = load(`${production}listen: { host: 127.0.0.1, port: 80 }\nlog: { level: warn }`, {
      ...secret,
      PORT: '8080',
      STRATA_HOST: '0.0.0.0',
      STRATA_ISSUER: 'https://other.example.com',
      STRATA_DATA_DIR: '/var/lib/strata',
      STRATA_STORE_URL: 'sqlite:other.db',
      STRATA_SMTP_URL: 'smtps://user:word@mail.example.com:465',
      STRATA_LOG_LEVEL: 'debug',
    });

    expect(config).toMatchObject({
      listen: { host: '0.0.0.0', port: 8080 },
      issuer: 'https://other.example.com',
      dataDir: '/var/lib/strata',
      store: { url: 'sqlite:other.db' },
      mail: { smtpUrl: 'smtps://user:word@mail.example.com:465' },
      log: { level: 'debug' },
      masterSecret: testMasterSecret,
    });
  });

  it('counts an empty variable as not set', () => {
    expect(load('profile: development', { PORT: '', STRATA_ISSUER: '', STRATA_CONFIG: '' }).listen.port).toBe(
      3000,
    );
  });

  it.each(['-1', '65536', 'http', '3000 ', '1e3', '0x50'])(
    'complains of PORT=%j by the name of the variable',
    (port) => {
      const [complaint] = complaintsOf('profile: development', { PORT: port });

      expect(complaint).toEqual({ path: 'PORT', message: 'must be a whole number from 0 to 65535' });
    },
  );

  it('makes the issuer of the development profile follow the port', () => {
    expect(load('profile: development', { PORT: '4001' }).issuer).toBe('http://127.0.0.1:4001');
    expect(load('profile: development\nissuer: http://localhost:9000', { PORT: '4001' }).issuer).toBe(
      'http://localhost:9000',
    );
  });

  it('wants an issuer where the port is a free one', () => {
    expect(pathsOf('profile: development', { PORT: '0' })).toEqual(['issuer']);
  });
});

describe('the master secret', () => {
  it('is read from the file, without the line end', () => {
    writeFileSync(join(cwd, 'master'), `${testMasterSecret}\n`);
    const config = load(`${production}masterSecretFile: master`);

    expect(config).toMatchObject({ masterSecret: testMasterSecret, masterSecretFile: join(cwd, 'master') });
  });

  it('of the environment wins over every file, which is then not read', () => {
    const config = load(`${production}masterSecretFile: missing`, secret);

    expect(config.masterSecret).toBe(testMasterSecret);
    expect(config.masterSecretFile).toBeUndefined();
  });

  it('before it is had in the same ways', () => {
    const previous = 'Xk2dQ8vN5sZ1yB7mH4tR9wLc6Jf3Gp0A';
    writeFileSync(join(cwd, 'previous'), `${previous}\n`);
    const named = `${production}previousMasterSecretFile: previous`;

    expect(load(named, secret)).toMatchObject({
      previousMasterSecret: previous,
      previousMasterSecretFile: join(cwd, 'previous'),
    });
    expect(load(production, { ...secret, STRATA_MASTER_SECRET_PREVIOUS_FILE: 'previous' })).toMatchObject({
      previousMasterSecret: previous,
    });
    const direct = load(named, { ...secret, STRATA_MASTER_SECRET_PREVIOUS: `${previous}!` });
    expect(direct.previousMasterSecret).toBe(`${previous}!`);
    expect(direct.previousMasterSecretFile).toBeUndefined();
    expect(load(production, secret).previousMasterSecret).toBeUndefined();
  });

  it('before it is refused where it cannot be read, is empty, or is the current one, and not for being weak', () => {
    const previous = (value: string) => ({ ...secret, STRATA_MASTER_SECRET_PREVIOUS: value });
    const missing = `${production}previousMasterSecretFile: missing`;

    expect(complaintsOf(missing, secret)).toEqual([
      { path: 'previousMasterSecretFile', message: 'cannot be read: there is no such file', line: 3 },
    ]);
    expect(complaintsOf(production, previous(' '))[0]?.message).toContain('is empty');
    const same = errorOf(() => load(production, previous(testMasterSecret)));
    expect(same.complaints.map(({ path }) => path)).toEqual(['STRATA_MASTER_SECRET_PREVIOUS']);
    expect(same.message).not.toContain(testMasterSecret);
    expect(load(production, previous('changeme')).previousMasterSecret).toBe('changeme');
  });

  it('is refused where its file is missing, a directory or holds a default', () => {
    mkdirSync(join(cwd, 'folder'), { recursive: true });
    writeFileSync(join(cwd, 'weak'), 'changeme');

    expect(complaintsOf(`${production}masterSecretFile: missing`)).toContainEqual({
      path: 'masterSecretFile',
      message: 'cannot be read: there is no such file',
      line: 3,
    });
    expect(pathsOf(`${production}masterSecretFile: folder`)).toEqual(['masterSecretFile']);
    expect(complaintsOf(`${production}masterSecretFile: weak`)[0]?.message).toContain('shorter than 32');
  });

  it('is refused where it is weak, in development as in production, and never repeated in the complaint', () => {
    const weak = 'changeme-changeme-changeme-changeme';
    for (const file of [production, 'profile: development']) {
      const error = errorOf(() => load(file, { STRATA_MASTER_SECRET: weak }));

      expect(error.complaints.map(({ path }) => path)).toEqual(['STRATA_MASTER_SECRET']);
      expect(error.message).not.toContain(weak);
    }
  });

  it('cannot stand in the file itself', () => {
    expect(pathsOf(`${production}masterSecret: ${testMasterSecret}`, secret)).toEqual(['masterSecret']);
  });
});

describe('the claims hook', () => {
  const hook = `profile: development
claimsHook: { url: "https://hook.example.com", secretEnv: HOOK_SECRET }
`;

  it('gets its secret from the variable that secretEnv names', () => {
    expect(load(hook, { HOOK_SECRET: 'word' }).claimsHook).toEqual({
      url: 'https://hook.example.com',
      timeout: 2_000,
      secretEnv: 'HOOK_SECRET',
      secret: 'word',
      onFailure: 'refuse',
    });
  });

  it('is refused where that variable is not set', () => {
    expect(complaintsOf(hook)).toEqual([
      { path: 'claimsHook.secretEnv', message: 'names HOOK_SECRET, which is not set', line: 2 },
    ]);
  });
});

describe('worthless password hashes', () => {
  const yaml = 'profile: development\npasswords: { testCost: true }';

  it('are for tests alone', () => {
    expect(pathsOf(yaml)).toEqual(['passwords.testCost']);
    expect(load(yaml, { STRATA_TEST: '1' }).passwords.testCost).toBe(true);
  });

  it('are refused in production, whatever is set', () => {
    expect(pathsOf(`${production}passwords: { testCost: true }`, { ...secret, STRATA_TEST: '1' })).toEqual([
      'passwords.testCost',
    ]);
  });
});

describe('complaints (I13)', () => {
  it('come all at once, of single settings and of what must hold between them', () => {
    const yaml = `${production}listen:
  port: many
sessions: { refreshWindow: 120, appsMax: 33 }
platforms:
  web: { idle: 2d, absolute: 1d }
  ios: { imPlatform: 10 }
playground: true
colour: green
qr: { confirm: maybe, rotate: 1 }
trustedProxies: [10.0.0.0/8, example.com]
`;
    expect(pathsOf(yaml)).toEqual([
      'listen.port',
      'trustedProxies[1]',
      'platforms.ios.imPlatform',
      'sessions.refreshWindow',
      'sessions.appsMax',
      'qr.confirm',
      'qr.rotate',
      'colour',
      'masterSecretFile',
      'playground',
      'platforms.web.idle',
    ]);
  });

  it('are printed one a line, each with file, line and path', () => {
    const error = errorOf(() => load('profile: development\nlog:\n  level: loud\nsession: {}\n'));

    expect(error.message).toBe(
      [
        `${join(cwd, 'strata.yaml')}:3: log.level must be one of fatal, error, warn, info, debug, trace, silent`,
        `${join(cwd, 'strata.yaml')}:4: session is no setting that exists`,
      ].join('\n'),
    );
  });

  it('name the line inside lists and flow style', () => {
    const yaml =
      'profile: development\napis:\n  - identifier: https://a.example\n    name: A\n    scopes: {}\n  - {\n      identifier: a,\n      name: A, scopes: {} }\n';

    expect(complaintsOf(yaml)).toEqual([
      { path: 'apis[1].identifier', line: 7, message: expect.stringContaining('absolute URI') },
    ]);
  });

  it.each([
    ['a tab', 'profile: development\nlisten:\n\tport: 1'],
    ['a key twice', 'profile: development\nprofile: production'],
    ['an open quote', 'profile: "development'],
  ])('say where the YAML is broken by %s', (_what, yaml) => {
    const [complaint] = complaintsOf(yaml);

    expect(complaint?.message).toMatch(/^is no valid YAML: /);
    expect(complaint?.line).toBeGreaterThan(0);
  });

  it.each([
    ['a list', '- profile'],
    ['text', 'hello'],
    ['a number', '12'],
  ])('refuse a file that is %s', (_what, yaml) => {
    expect(complaintsOf(yaml)).toEqual([{ path: '', message: 'must be a group of settings' }]);
  });

  it('say that an alias leads nowhere', () => {
    expect(complaintsOf('profile: *nothing')[0]?.message).toContain('Unresolved alias');
  });

  it('say that a file cannot be read', () => {
    const error = errorOf(() => loadConfig({ file: 'missing.yaml', env: {}, cwd }));

    expect(error.message).toBe(`${join(cwd, 'missing.yaml')}: cannot be read: there is no such file`);
  });
});
