// The environment's say: a few settings that a container or a shell changes more easily than a file, and the
// secrets, which belong in no file that is copied about. A set variable wins over the file; an empty one
// counts as not set, since that is how compose files and CI systems leave things out.
import type { Key } from './complaints.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Override {
  readonly variable: string;
  readonly at: readonly string[];
}

export const overrides: readonly Override[] = [
  { variable: 'PORT', at: ['listen', 'port'] },
  { variable: 'STRATA_HOST', at: ['listen', 'host'] },
  { variable: 'STRATA_ISSUER', at: ['issuer'] },
  { variable: 'STRATA_DATA_DIR', at: ['dataDir'] },
  { variable: 'STRATA_STORE_URL', at: ['store', 'url'] },
  { variable: 'STRATA_MASTER_SECRET_FILE', at: ['masterSecretFile'] },
  { variable: 'STRATA_MASTER_SECRET_PREVIOUS_FILE', at: ['previousMasterSecretFile'] },
  { variable: 'STRATA_SMTP_URL', at: ['mail', 'smtpUrl'] },
  { variable: 'STRATA_LOG_LEVEL', at: ['log', 'level'] },
];

export function variable(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === '' ? undefined : value;
}

/** `document` with the values of set variables in their places; the original stays as it is. */
export function withOverrides(document: unknown, env: Environment): unknown {
  return overrides.reduce((result, { variable: name, at }) => {
    const value = variable(env, name);
    return value === undefined ? result : withValue(result, at, name === 'PORT' ? portOf(value) : value);
  }, document);
}

/** The variable whose value stands at this place, where one does. */
export function overriding(at: readonly Key[], env: Environment): string | undefined {
  const match = overrides.find((override) => override.at.join('.') === at.join('.'));
  return match !== undefined && variable(env, match.variable) !== undefined ? match.variable : undefined;
}

/** Anything but digits stays text, for the schema to complain of. */
function portOf(value: string): number | string {
  return /^\d{1,5}$/.test(value) ? Number(value) : value;
}

function withValue(document: unknown, at: readonly string[], value: unknown): unknown {
  const [key, ...rest] = at;
  if (key === undefined) return value;
  if (document !== undefined && !isGroup(document)) return document;

  return { ...document, [key]: withValue(document?.[key], rest, value) };
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
