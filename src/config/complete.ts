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
  const { masterSecretFile, previousMasterSecretFile, claimsHook, ...rest } = settings;
  const issuer = issuerOf(settings);
  const master = secretOf(
    { name: 'STRATA_MASTER_SECRET', at: 'masterSecretFile', file: masterSecretFile },
    around,
  );
  const previous = secretOf(
    { name: 'STRATA_MASTER_SECRET_PREVIOUS', at: 'previousMasterSecretFile', file: previousMasterSecretFile },
    around,
  );
  const hook = hookSecretOf(claimsHook?.secretEnv, around.env);

  const config: Config = {
    ...rest,
    issuer: issuer.value ?? 'https://issuer.invalid',
    dataDir: resolve(around.cwd, settings.dataDir),
    ...(master.file !== undefined && { masterSecretFile: master.file }),
    ...(master.value !== undefined && { masterSecret: master.value }),
    ...(previous.file !== undefined && { previousMasterSecretFile: previous.file }),
    ...(previous.value !== undefined && { previousMasterSecret: previous.value }),
    ...(claimsHook !== undefined && {
      claimsHook: { ...claimsHook, ...(hook.value !== undefined && { secret: hook.value }) },
    }),
  };
  const faults = [
    issuer.fault,
    master.fault,
    previous.fault,
    hook.fault,
    testCostFault(settings, around.env),
  ];
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

/** The variable of that name wins over the file. */
function secretOf(
  place: { name: string; at: string; file: string | undefined },
  { env, cwd }: Surroundings,
): Found & { file?: string } {
  const direct = variable(env, place.name);
  if (direct !== undefined) return { value: direct.trim() };
  if (place.file === undefined) return {};

  const file = resolve(cwd, place.file);
  try {
    return { file, value: readFileSync(file, 'utf8').trim() };
  } catch (cause) {
    return { file, fault: { at: [place.at], message: `cannot be read: ${reasonOf(cause)}` } };
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
