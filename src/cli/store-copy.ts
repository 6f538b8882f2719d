// `strata store copy`: brings everything that is stored into another store, beside the servers that run on it.
import { parseDuration } from '../config/durations.ts';
import type { Config } from '../config/schema.ts';
import { recordTypes } from '../records.ts';
import { abandonCopy } from '../storage/copy/claim.ts';
import { type CopyReport, type CopyStep, copyStore } from '../storage/copy/copy-store.ts';
import {
  openSource,
  openTarget,
  type Side,
  type SideOptions,
  type SourceSide,
} from '../storage/copy/sides.ts';
import type { Tally } from '../storage/copy/tally.ts';
import { CommandError } from './failure.ts';
import { type Listing, printListing } from './listing.ts';
import type { Shell } from './shell.ts';
import type { Terminal } from './terminal.ts';
import { type ConfigOption, configOf } from './workspace.ts';

export interface StoreCopyOptions extends ConfigOption {
  /** A URL, `env:NAME` or `config`. */
  readonly from: string;
  readonly to?: string | undefined;
  readonly abandon?: boolean | undefined;
  readonly rehearse?: boolean | undefined;
  /** A duration as in the configuration. */
  readonly frozenMax: string;
  readonly json?: boolean | undefined;
}

const FROZEN_MAX_LEAST_MS = 1_000;

export async function storeCopyCommand(shell: Shell, options: StoreCopyOptions): Promise<void> {
  const frozenMaxMs = parseDuration(options.frozenMax) ?? 0;
  if (frozenMaxMs < FROZEN_MAX_LEAST_MS) throw new CommandError('--frozen-max is a duration of 1s or more.');
  const config = configOf(shell, options);
  const from = sideOptions(shell, config, options.from);

  if (options.abandon) return abandon(shell, from);
  if (options.to === undefined) throw new CommandError("Missing required argument 'to'.");
  const to = sideOptions(shell, config, options.to);

  const source = await openSource(from);
  try {
    const target = await openTarget(to, source);
    try {
      await copy(shell.terminal, { source, target, frozenMaxMs, options });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

interface Copying {
  readonly source: SourceSide;
  readonly target: Side;
  readonly frozenMaxMs: number;
  readonly options: StoreCopyOptions;
}

async function copy(terminal: Terminal, { source, target, frozenMaxMs, options }: Copying): Promise<void> {
  terminal.note(`Copies ${source.name} to ${target.name}. Servers may run on the first meanwhile.`);
  const report = await copyStore({
    source: source.store,
    target: target.store,
    from: source.name,
    to: target.name,
    types: recordTypes,
    changes: source.changes,
    until: options.rehearse ? 'rehearsed' : 'moved',
    frozenMaxMs,
    tell: (step) => tell(terminal, step),
  });
  await printListing(terminal, kindsIn(report), { listing, json: options.json });
  for (const line of options.rehearse ? rehearsed() : moved(report, { source, target })) terminal.note(line);
}

const listing: Listing<[string, Tally]> = {
  none: 'There are no records.',
  columns: {
    RECORDS: ([type]) => type,
    COUNT: ([, tally]) => String(tally.count),
    'DIGEST, EQUAL ON BOTH SIDES': ([, tally]) => tally.digest(),
  },
  json: ([type, tally]) => ({ type, count: tally.count, digest: tally.digest() }),
};

/** One page of those that there are records of. */
async function* kindsIn({ tallies }: CopyReport): AsyncGenerator<readonly [string, Tally][]> {
  yield [...tallies].filter(([, { count }]) => count > 0);
}

function rehearsed(): string[] {
  return [
    'Nothing has moved yet. The same command without --rehearse brings what is changed until then, and moves.',
    'With --abandon instead, the first store forgets about it; the second can be removed then.',
  ];
}

function moved({ frozenMs }: CopyReport, { source, target }: Pick<Copying, 'source' | 'target'>): string[] {
  return [
    `Moved. Writes had to wait for ${(frozenMs / 1000).toFixed(1)} s; from now on ${source.name} refuses them.`,
    `Next: set store.url (STRATA_STORE_URL) to ${target.name} and restart every server.`,
  ];
}

async function abandon({ terminal }: Shell, from: SideOptions): Promise<void> {
  const source = await openSource(from);
  try {
    await abandonCopy(source, source.name);
    terminal.print(`${source.name} takes writes and is not being copied any more.`);
    terminal.note('What was copied so far stays where it is; no server starts on it. Remove it.');
  } finally {
    await source.close();
  }
}

function tell(terminal: Terminal, step: CopyStep): void {
  const line = sentenceOf(step);
  if (line !== undefined) terminal.note(line);
}

function sentenceOf(step: CopyStep): string | undefined {
  switch (step.kind) {
    case 'copied':
      return step.isAll && step.records > 0 ? `${step.type}: ${step.records} copied.` : undefined;
    case 'caught_up':
      return `${step.records} changes brought over.`;
    case 'comparing':
      return 'Compares both stores.';
    case 'repaired':
      return `${step.records} records differed and were copied again; compares once more.`;
    case 'frozen':
      return 'Writes are refused for a moment.';
    case 'thawed':
      return 'It took too long: writes are taken again, another attempt follows.';
    case 'sealed':
      return 'All is over; writes stay refused.';
    case 'begun_again':
      return 'The log of changes does not reach back to where the copy stopped: begins again.';
  }
}

/** `env:` keeps passwords off the command line, which other users of the machine can read. */
function sideOptions({ env, terminal }: Shell, config: Config, named: string): SideOptions {
  const { dataDir } = config;
  const variable = /^env:(.+)$/.exec(named)?.[1];
  const url = variable === undefined ? named : env[variable];
  if (url === undefined || url === '')
    throw new CommandError(`The environment variable ${variable} is not set.`);

  if (/^mongodb(\+srv)?:\/\/[^/]*:[^/]*@/.test(named)) {
    terminal.note(
      'A password on the command line can be read by others on this machine: env:NAME takes it from there.',
    );
  }
  return { url: url === 'config' ? config.store.url : url, dataDir, types: recordTypes };
}
