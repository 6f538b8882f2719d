// The two files that come with the program: they load, the long one names every setting there is, and the
// values it calls defaults are the defaults.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { overrides } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configSchema } from '../../src/config/schema.ts';
import { testMasterSecret } from '../support/test-config.ts';

const cwd = fileURLToPath(new URL('../..', import.meta.url));
const env = { STRATA_MASTER_SECRET: testMasterSecret };
const example = readFileSync(`${cwd}/config/production.example.yaml`, 'utf8');

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
}

/** Every key of the schema, with the key that it stands under. */
function keysOf(schema: JsonSchema): string[] {
  const inner = [schema.items, schema.additionalProperties].filter((part) => typeof part === 'object');
  const properties = Object.entries(schema.properties ?? {});
  return [...properties.flatMap(([key, value]) => [key, ...keysOf(value)]), ...inner.flatMap(keysOf)];
}

describe('config/development.yaml', () => {
  it('loads', () => {
    expect(loadConfig({ file: 'config/development.yaml', env: {}, cwd }).profile).toBe('development');
  });
});

describe('config/production.example.yaml', () => {
  it('loads with a master secret', () => {
    expect(loadConfig({ file: 'config/production.example.yaml', env, cwd }).profile).toBe('production');
  });

  it('does not load without one', () => {
    expect(() => loadConfig({ file: 'config/production.example.yaml', env: {}, cwd })).toThrow(
      'masterSecretFile cannot be read',
    );
  });

  it('names every setting', () => {
    const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    const keys = keysOf(schema);

    expect(keys.length).toBeGreaterThan(60);
    for (const key of keys) expect(example).toMatch(new RegExp(`^[ #-]*${key}:|[{,] ${key}:`, 'm'));
  });

  it('names every environment variable', () => {
    const secrets = ['STRATA_MASTER_SECRET', 'STRATA_MASTER_SECRET_PREVIOUS'];
    const names = [...overrides.map(({ variable }) => variable), ...secrets, 'STRATA_CONFIG'];

    for (const name of names) expect(example).toMatch(new RegExp(`^# .*\\b${name}\\b`, 'm'));
  });

  it('shows the defaults, but for what it says to change', () => {
    const {
      trustedProxies: _p,
      apis: _a,
      claimsHook: _c,
      mail: _m,
      masterSecretFile: _f,
      ...rest
    } = parse(example);
    const { issuer } = rest;

    expect(configSchema.parse(rest)).toEqual(configSchema.parse({ issuer }));
  });
});
