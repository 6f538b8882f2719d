// From file and environment to the configuration, or to every complaint there is about it (I13). Nothing
// else in the program reads the environment, and nothing reads the file again.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Complaint,
  ConfigurationError,
  type Fault,
  faultsOf,
  type Key,
  pathText,
  sentenceOf,
} from './complaints.ts';
import { complete, reasonOf, type Surroundings } from './complete.ts';
import { parseSettings, type SettingsDocument } from './document.ts';
import { type Environment, overriding, variable, withOverrides } from './environment.ts';
import { brokenRules } from './rules.ts';
import { type Config, configSchema, type Settings } from './schema.ts';

export interface LoadOptions extends Surroundings {
  /** Path of the YAML file; before STRATA_CONFIG, which comes before the development profile. */
  readonly file?: string;
}

/** The same place seen from src/config and from dist/config. */
const developmentFile = fileURLToPath(new URL('../../config/development.yaml', import.meta.url));

/** Throws `ConfigurationError` with all complaints at once. */
export function loadConfig(options: LoadOptions): Config {
  const named = options.file ?? variable(options.env, 'STRATA_CONFIG');
  const source = named === undefined ? developmentFile : resolve(options.cwd, named);
  const document = parseSettings(textOf(source));
  if ('complaints' in document) throw new ConfigurationError(source, document.complaints);

  const { config, faults } = judge(withOverrides(document.value, options.env), options);
  if (config !== undefined && faults.length === 0) return config;

  throw new ConfigurationError(
    source,
    faults.map((fault) => complaintOf(fault, document, options.env)),
  );
}

/**
 * Settings that fail by themselves are set aside and the rest is judged with their defaults, so that one
 * wrong word does not hide what is wrong between other settings.
 */
function judge(value: unknown, around: Surroundings): { config?: Config; faults: Fault[] } {
  const parsed = configSchema.safeParse(value, { error: sentenceOf });
  if (parsed.success) return judgeWhole(parsed.data, [], around);

  const faults = faultsOf(parsed.error);
  const rest = configSchema.safeParse(faults.reduce((left, fault) => without(left, fault.at), value));
  return rest.success ? judgeWhole(rest.data, faults, around) : { faults };
}

/** Adds what is wrong between the settings, where nothing was said about the place before. */
function judgeWhole(settings: Settings, known: readonly Fault[], around: Surroundings) {
  const completed = complete(settings, around);
  const faults = [...known];
  for (const fault of [...completed.faults, ...brokenRules(completed.config)]) {
    if (!faults.some((earlier) => isWithin(fault.at, earlier.at))) faults.push(fault);
  }
  return { config: completed.config, faults };
}

function complaintOf(fault: Fault, document: SettingsDocument, env: Environment): Complaint {
  const name = overriding(fault.at, env);
  if (name !== undefined) return { path: name, message: fault.message };

  const line = document.lineOf(fault.at);
  return { path: pathText(fault.at), message: fault.message, ...(line !== undefined && { line }) };
}

function textOf(source: string): string {
  try {
    return readFileSync(source, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(source, [{ path: '', message: `cannot be read: ${reasonOf(cause)}` }]);
  }
}

/** A list with a fault in it goes as a whole, so that the places of its other items stay true. */
function without(value: unknown, at: readonly Key[]): unknown {
  const [key, ...rest] = at;
  if (typeof value !== 'object' || value === null || key === undefined) return undefined;
  if (Array.isArray(value)) return undefined;

  const entries = Object.entries(value).flatMap(([name, inner]) => {
    if (name !== key) return [[name, inner] as const];
    const left = rest.length === 0 ? undefined : without(inner, rest);
    return left === undefined ? [] : [[name, left] as const];
  });
  return Object.fromEntries(entries);
}

function isWithin(at: readonly Key[], outer: readonly Key[]): boolean {
  return outer.every((key, index) => at[index] === key);
}
