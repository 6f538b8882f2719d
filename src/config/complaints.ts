// What is wrong with a configuration, in words an operator can act on (I13). Every complaint names the place
// by its path in the file, and all of them come at once: nobody wants to fix a file one restart at a time.
import type { z } from 'zod';

export interface Complaint {
  /** Where: `sessions.refreshWindow`, `apis[0].identifier`, or the name of an environment variable. */
  readonly path: string;
  /** What has to change, as the end of a sentence that begins with the path. */
  readonly message: string;
  /** Line of the file, counted from 1, where the setting stands in it. */
  readonly line?: number;
}

/** The configuration cannot be used. The message holds one line for each complaint. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly complaints: readonly Complaint[];

  /** `source` is the file's name, for the operator to open. */
  constructor(source: string, complaints: readonly Complaint[]) {
    super(complaints.map((complaint) => printed(source, complaint)).join('\n'));
    this.complaints = complaints;
  }
}

export type Key = string | number;

/** A fault found by a schema or a rule, before it is known where in the file it stands. */
export interface Fault {
  readonly at: readonly Key[];
  readonly message: string;
}

/** `['apis', 0, 'scopes', 'read:a']` → `apis[0].scopes.read:a`. */
export function pathText(at: readonly Key[]): string {
  const steps = at.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`));
  return steps.join('').replace(/^\./, '');
}

export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap(faultsOfIssue);
}

function faultsOfIssue(issue: z.core.$ZodIssue): Fault[] {
  const at = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ at: [...at, key], message: 'is no setting that exists' }));
  }
  return [{ at, message: issue.message }];
}

/** Words for the faults that types alone cause; a schema that brings its own words is not asked for these. */
export function sentenceOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? 'is required'
        : `must be ${kindWords[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `must be ${boundOf(issue.origin, issue.minimum, 'at least')}`;
    case 'too_big':
      return `must be ${boundOf(issue.origin, issue.maximum, 'at most')}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'has a name that cannot be used';
    default:
      return undefined;
  }
}

const kindWords: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a group of settings',
  record: 'a group of settings',
  string: 'text',
};

function boundOf(origin: string, bound: number | bigint, words: string): string {
  if (origin === 'string') return `${words} ${bound} characters long`;
  if (origin === 'array') return `a list of ${words} ${bound}`;
  return `${words} ${bound}`;
}

function printed(source: string, complaint: Complaint): string {
  const place = complaint.line === undefined ? source : `${source}:${complaint.line}`;
  return complaint.path === ''
    ? `${place}: ${complaint.message}`
    : `${place}: ${complaint.path} ${complaint.message}`;
}
