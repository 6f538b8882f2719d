// What must hold between settings, where each by itself may be fine. A rule is a function of the whole
// configuration that returns the faults it finds; the list below is everything there is.
import type { Fault } from './complaints.ts';
import { formatDuration } from './durations.ts';
import { isLoopback } from './fields.ts';
import { masterSecretWeakness } from './master-secret.ts';
import type { Config } from './schema.ts';

type Rule = (config: Config) => readonly Fault[];

/** Access tokens live up to 5 % longer than is set, so that fleets of devices do not refresh in step. */
const JITTER = 1.05;

const rules: readonly Rule[] = [
  secureIssuer,
  strongMasterSecret,
  masterSecretInProduction,
  otherMasterSecretBefore,
  lastingStoreInProduction,
  noShowroomInProduction,
  mailForSignUp,
  sessionLimits,
  distinctApis,
  reservedApi,
  passwordCost,
  qrTimes,
  keysOutliveTokens,
  requestTimes,
  shutdownTimes,
];

/** Every fault of the whole, in the order of the rules. */
export function brokenRules(config: Config): Fault[] {
  return rules.flatMap((rule) => rule(config));
}

function secureIssuer({ issuer }: Config): Fault[] {
  const url = new URL(issuer);
  return faultIf(
    url.protocol !== 'https:' && !isLoopback(url),
    ['issuer'],
    'must be https, except on this machine',
  );
}

function strongMasterSecret({ masterSecret, masterSecretFile }: Config): Fault[] {
  const weakness = masterSecret === undefined ? undefined : masterSecretWeakness(masterSecret);
  if (weakness === undefined) return [];

  return [
    { at: [masterSecretFile === undefined ? 'STRATA_MASTER_SECRET' : 'masterSecretFile'], message: weakness },
  ];
}

function masterSecretInProduction({ profile, masterSecret }: Config): Fault[] {
  return faultIf(
    profile === 'production' && masterSecret === undefined,
    ['masterSecretFile'],
    'or STRATA_MASTER_SECRET is required in production',
  );
}

/** It may be weaker than what is asked today, since it only opens: that may be why it is replaced. */
function otherMasterSecretBefore(config: Config): Fault[] {
  const { masterSecret, previousMasterSecret: previous, previousMasterSecretFile: file } = config;
  const at = [file === undefined ? 'STRATA_MASTER_SECRET_PREVIOUS' : 'previousMasterSecretFile'];
  return [
    ...faultIf(previous === '', at, 'is empty; leave it out where no master secret is being replaced'),
    ...faultIf(
      previous !== undefined && previous === masterSecret,
      at,
      'is the current master secret as well; it names the one that was in force before',
    ),
  ];
}

function lastingStoreInProduction({ profile, store }: Config): Fault[] {
  return faultIf(
    profile === 'production' && store.url === 'sqlite::memory:',
    ['store', 'url'],
    'would forget everything at the next start; name a file',
  );
}

/** The playground and the demo accounts, whose passwords everybody knows, are an open door elsewhere. */
function noShowroomInProduction({ profile, playground, demo }: Config): Fault[] {
  const words = 'must be false in production';
  return [
    ...faultIf(profile === 'production' && playground, ['playground'], words),
    ...faultIf(profile === 'production' && demo, ['demo'], words),
  ];
}

/** Development has a page that shows the mail instead of sending it. */
function mailForSignUp({ profile, signUp, mail }: Config): Fault[] {
  return faultIf(
    profile === 'production' && signUp.enabled && mail.smtpUrl === undefined,
    ['mail', 'smtpUrl'],
    'or STRATA_SMTP_URL is required where signUp.enabled is true',
  );
}

function sessionLimits({ platforms }: Config): Fault[] {
  return Object.entries(platforms).flatMap(([name, { class: kind, idle, absolute }]) => [
    ...faultIf(
      kind === 'server' && (idle ?? absolute) !== undefined,
      ['platforms', name],
      'is of class server, whose sessions have neither idle nor absolute limit',
    ),
    ...faultIf(
      idle !== undefined && absolute !== undefined && idle > absolute,
      ['platforms', name, 'idle'],
      `must not be longer than its absolute limit of ${formatDuration(absolute ?? 0)}`,
    ),
  ]);
}

function distinctApis({ apis }: Config): Fault[] {
  return apis.flatMap(({ identifier }, index) =>
    faultIf(
      apis.findIndex((other) => other.identifier === identifier) < index,
      ['apis', index, 'identifier'],
      'is the identifier of another API, too',
    ),
  );
}

function reservedApi({ apis, issuer }: Config): Fault[] {
  return apis.flatMap(({ identifier }, index) =>
    faultIf(identifier === `${issuer}/api`, ['apis', index, 'identifier'], "is the server's own API"),
  );
}

/** The product of memory and passes that OWASP's equivalent Argon2id settings share. */
const ARGON_WORK_MIN = 35_840;

function passwordCost({ passwords }: Config): Fault[] {
  return faultIf(
    passwords.memoryKiB * passwords.passes < ARGON_WORK_MIN,
    ['passwords', 'passes'],
    `times memoryKiB must be at least ${ARGON_WORK_MIN}, or a stolen database is guessed through too fast`,
  );
}

function qrTimes({ qr }: Config): Fault[] {
  return faultIf(qr.approval > qr.transaction, ['qr', 'approval'], 'must not be longer than qr.transaction');
}

function keysOutliveTokens({ keys, platforms, apis }: Config): Fault[] {
  const lifetimes = [...Object.values(platforms), ...apis].map(({ accessToken }) => accessToken ?? 0);
  const longest = Math.max(...lifetimes) * JITTER;
  return faultIf(
    keys.retire < longest,
    ['keys', 'retire'],
    `must be at least ${formatDuration(Math.ceil(longest / 60_000) * 60_000)}: tokens signed with a replaced key live so long`,
  );
}

function requestTimes({ limits }: Config): Fault[] {
  return faultIf(
    limits.headersTimeout > limits.requestTimeout,
    ['limits', 'headersTimeout'],
    'must not be longer than limits.requestTimeout',
  );
}

function shutdownTimes({ shutdown }: Config): Fault[] {
  return faultIf(
    shutdown.announce > shutdown.grace,
    ['shutdown', 'announce'],
    'must not be longer than shutdown.grace',
  );
}

function faultIf(broken: boolean, at: Fault['at'], message: string): Fault[] {
  return broken ? [{ at, message }] : [];
}
