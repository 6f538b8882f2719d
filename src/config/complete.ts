// What the file leaves open: the issuer that follows the port in development, paths made absolute, and the
// secrets, which stand in the environment or in files of their own (I7).
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fault } from './complaints.ts';
import { type Environment, variable } from './environment.ts';
import type { Config, Settings } from './schema.ts';

export interface Surroundings {
  readonly env: Environment;
  /** Directory that relative paths start from. */
  readonly cwd: string;
}

/** A value that was found, or why it could not be; neither where there is none and none is needed. */
interface Found {
  readonly value?: string;
  readonly fault?: Fault;
}

/** The settings with what was left open filled in, and what was wrong with that. */
export function complete(settings: Settings, around: Surroundings): { config: Config; faults: Fault[] } {
  const { masterSecretFile, claimsHook, ...rest } = settings;
  const issuer = issuerOf(settings);
  const master = masterSecretOf(masterSecretFile, around);
  const hook = hookSecretOf(claimsHook?.secretEnv, around.env);

  const config: Config = {
    ...rest,
    issuer: issuer.value ?? 'https://issuer.invalid',
    dataDir: resolve(around.cwd, settings.dataDir),
    ...(master.file !== undefined && { masterSecretFile: master.file }),
    ...(master.value !== undefined && { masterSecret: master.value }),
    ...(claimsHook !== undefined && {
      claimsHook: { ...claimsHook, ...(hook.value !== undefined && { secret: hook.value }) },
    }),
  };
  const faults = [issuer.fault, master.fault, hook.fault, testCostFault(settings, around.env)];
  return { config, faults: faults.filter((fault) => fault !== undefined) };
}

/** Why a file could not be had, in the system's short form (`ENOENT`: no such file). */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'this user may not read it';
  return code === 'EISDIR' ? 'it is a directory' : String(code ?? cause);
}

function issuerOf({ issuer, profile, listen }: Settings): Found {
  if (issuer !== undefined) return { value: issuer };
  if (profile === 'production') return { fault: { at: ['issuer'], message: 'is required in production' } };
  if (listen.port === 0) return { fault: { at: ['issuer'], message: 'is required where listen.port is 0' } };

  return { value: `http://127.0.0.1:${listen.port}` };
}

/** STRATA_MASTER_SECRET wins over a file. */
function masterSecretOf(file: string | undefined, { env, cwd }: Surroundings): Found & { file?: string } {
  const direct = variable(env, 'STRATA_MASTER_SECRET');
  if (direct !== undefined) return { value: direct.trim() };
  if (file === undefined) return {};

  const path = resolve(cwd, file);
  try {
    return { file: path, value: readFileSync(path, 'utf8').trim() };
  } catch (cause) {
    return { file: path, fault: { at: ['masterSecretFile'], message: `cannot be read: ${reasonOf(cause)}` } };
  }
}

function hookSecretOf(name: string | undefined, env: Environment): Found {
  if (name === undefined) return {};

  const value = variable(env, name);
  if (value !== undefined) return { value };
  return { fault: { at: ['claimsHook', 'secretEnv'], message: `names ${name}, which is not set` } };
}

function testCostFault({ profile, passwords }: Settings, env: Environment): Fault | undefined {
  if (!passwords.testCost || (profile === 'development' && env.STRATA_TEST === '1')) return undefined;
  return { at: ['passwords', 'testCost'], message: 'makes password hashes worthless and is for tests alone' };
}
