// What becomes of a refresh token that is shown: the one decision of the product that must never sign out
// an honest device (I4) and must not let a copied token live on unseen (I5). It is a pure function of the
// chain, the genuine serial that was presented, and the time; docs/refresh.md tells the same in words.
//
// W (`windowMs`) is the age that no message of an honest device exceeds. An honest device keeps its newest
// token in one place. Every rule below follows from two questions: may an honest device still hold this
// serial, and may a message that carries it still be on its way?

import type { Path } from '../storage/record-type.ts';
import type { FieldChange } from '../storage/store.ts';
import type { ChainState } from './device-session.ts';

export interface RefreshLimits {
  /** Unproven serials at once. */
  siblingsMax: number;
  /** Serials that may stand for the proven one. */
  aliasesMax: number;
  /** Superseded entries younger than W. */
  supersededMax: number;
  /** From this age of its successor on, an older serial shown again is an echo; milliseconds. */
  echoAfterMs: number;
  /** Echoing generations in a row that make a chain suspect. */
  suspectAfter: number;
  /** For how many windows after its mint a sibling may still reach the device or come back from it. */
  siblingWindows: number;
}

/**
 * Three windows for a sibling: its token is given again for one window after the mint, the last answer
 * may travel for another, and a request that the device sent just before may arrive a third later.
 */
export const refreshLimits: Readonly<RefreshLimits> = {
  siblingsMax: 4,
  aliasesMax: 4,
  supersededMax: 8,
  echoAfterMs: 10_000,
  suspectAfter: 6,
  siblingWindows: 3,
};

export interface RefreshEvent extends Partial<RefreshLimits> {
  /** Milliseconds since the epoch. */
  now: number;
  /** W, in milliseconds. */
  windowMs: number;
  /** The chain is bound to a key (DPoP) and the proof of this request was good. */
  bound: boolean;
}

export type RefreshDecision =
  /** The device proved that it has the serial: write `next`, answer with `serial`. */
  | {
      kind: 'advance';
      next: ChainState;
      serial: number;
      /** Someone may be following in step; said once per six echoing generations (I5). */
      suspect: boolean;
      /** The serial was above the highest minted: the store was restored from a backup; worth a log line. */
      restored: boolean;
    }
  /** Answer with `serial`, the newest; where `next` is there, write it first. */
  | { kind: 'repeat'; serial: number; next?: ChainState }
  /** One more token beside those that did not come back: write `next`, answer with `serial`. */
  | { kind: 'sibling'; next: ChainState; serial: number }
  /** A late duplicate of an old request: 429, so that the device keeps what it has. Nothing is written. */
  | { kind: 'late'; retryAfterSeconds: number }
  /** Someone else holds a copy: end the app or session with `reuse` and tell the owner. */
  | { kind: 'theft' };

type Rules = RefreshEvent & RefreshLimits;

/** Whoever gets 429 has a newer token in its storage or gets one by then; waiting longer helps nobody. */
const lateRetrySeconds = 2;

/** A chain as its first token is issued: serial 1 is minted and has not come back yet. */
export function openChain(now: number): ChainState {
  return {
    revision: 1,
    proven: 0,
    minted: 1,
    unproven: [{ serial: 1, at: now }],
    aliases: [],
    superseded: [],
    echoes: 0,
  };
}

/**
 * `presented.serial` is genuine: its MAC was good, client and key match, session and app are live. The
 * answer's `next` is committed on the condition that the chain's revision is still the one given here;
 * whoever loses that race reads the chain again and decides again.
 */
export function decideRefresh(
  chain: ChainState,
  presented: { serial: number },
  event: RefreshEvent,
): RefreshDecision {
  const { serial } = presented;
  const rules = { ...refreshLimits, ...event };

  if (serial > chain.minted) return restore(chain, serial, rules);
  if (chain.unproven.some((token) => token.serial === serial)) return promote(chain, serial, rules);
  if (serial === chain.proven || chain.aliases.includes(serial)) return answerAgain(chain, rules);
  if (isSuperseded(chain, serial, rules)) return { kind: 'late', retryAfterSeconds: lateRetrySeconds };
  // A thief has no key, so a bound chain is never ended by a serial (I5); its owner is merely behind.
  if (rules.bound) return giveNewest(chain, rules);
  return { kind: 'theft' };
}

/** No token of the chain was ever presented: its first one may be told again to the redeemer of its code. */
export function isUntouched(chain: ChainState): boolean {
  return chain.proven === 0;
}

/** The fields of `next` as changes of a patch; `at` is the path of the chain in its record. */
export function chainChanges(at: Path, next: ChainState): FieldChange[] {
  const { revision, proven, minted, unproven, aliases, superseded, echo, echoes } = next;
  const fields = { revision, proven, minted, unproven, aliases, superseded, echo, echoes };
  return Object.entries(fields).map(([name, value]) => [[...at, name], value]);
}

/**
 * The store forgot serials that it had minted. The device has this one, so the chain goes on from it. What
 * lies below may be on its way too, and nobody remembers when it was minted: all of it is late for one
 * window and stolen afterwards. That one entry covers every older one, so it replaces them. What was minted
 * since the restore may still reach the device, as at any promotion.
 */
function restore(chain: ChainState, serial: number, rules: Rules): RefreshDecision {
  const aliases = aliasesAfter(chain, serial, rules);
  const superseded = [{ serials: [], upTo: serial - 1, at: rules.now }];
  return advance(chain, { proven: serial, aliases, superseded, restored: true }, rules);
}

/**
 * An unproven serial comes back, so the device has it, and what it showed before is superseded. A sibling
 * that may still reach the device becomes an alias: answers may arrive in any order and the last one may
 * overwrite this one (I4). An older sibling can at most be in a request that is on its way, so it is
 * superseded as well. While as many entries as are remembered are all younger than W, promoting would
 * forget one of them and take its late duplicate for theft; so the newest is given again instead.
 */
function promote(chain: ChainState, serial: number, rules: Rules): RefreshDecision {
  const remembered = rememberedEntries(chain, rules);
  if (remembered.length >= rules.supersededMax) return giveNewest(chain, rules);

  const aliases = aliasesAfter(chain, serial, rules);
  const left = [chain.proven, ...chain.aliases, ...chain.unproven.map((token) => token.serial)].filter(
    (old) => old > 0 && old !== serial && !aliases.includes(old),
  );
  const superseded = left.length > 0 ? [...remembered, { serials: left, at: rules.now }] : remembered;

  return advance(chain, { proven: serial, aliases, superseded, restored: false }, rules);
}

/** The siblings of the serial that comes back which may still reach the device; the youngest, at the cap. */
function aliasesAfter(chain: ChainState, serial: number, rules: Rules): number[] {
  const young = chain.unproven.filter(
    (token) => token.serial !== serial && isYounger(token.at, rules, rules.siblingWindows),
  );
  return young.slice(Math.max(0, young.length - rules.aliasesMax)).map((token) => token.serial);
}

function advance(
  chain: ChainState,
  step: Pick<ChainState, 'proven' | 'aliases' | 'superseded'> & { restored: boolean },
  rules: Rules,
): RefreshDecision {
  const { restored, ...moved } = step;
  const serial = Math.max(chain.minted, moved.proven) + 1;
  const echoes = chain.echo ? chain.echoes + 1 : 0;
  const next: ChainState = {
    ...moved,
    revision: chain.revision + 1,
    minted: serial,
    unproven: [{ serial, at: rules.now }],
    echoes,
  };
  return {
    kind: 'advance',
    next,
    serial,
    suspect: echoes > 0 && echoes % rules.suspectAfter === 0,
    restored,
  };
}

/**
 * The device shows what it has shown before: an answer was lost, two tabs woke at once, answers crossed. As
 * long as the newest token may be on its way the same one is given. Afterwards it gets a sibling: if one
 * token were repeated for ever, a thief in step with the owner would never show (I5). At the cap the newest
 * is given again, and dated anew, because it may reach the device from now on.
 */
function answerAgain(chain: ChainState, rules: Rules): RefreshDecision {
  const newest = chain.unproven.at(-1);
  const heard = listen(chain, rules);

  if (newest === undefined) return mintSibling(chain, heard, rules);
  if (isYounger(newest.at, rules))
    return heard === chain ? repeat(newest) : repeat(newest, written(heard, rules));
  if (chain.unproven.length < rules.siblingsMax) return mintSibling(chain, heard, rules);

  const renewed = { serial: newest.serial, at: rules.now };
  return repeat(newest, written({ ...heard, unproven: [...chain.unproven.slice(0, -1), renewed] }, rules));
}

function mintSibling(chain: ChainState, heard: ChainState, rules: Rules): RefreshDecision {
  const serial = chain.minted + 1;
  const unproven = [...chain.unproven, { serial, at: rules.now }];
  return { kind: 'sibling', next: written({ ...heard, minted: serial, unproven }, rules), serial };
}

/** A chain always has an unproven serial; one that lost it to damage gets a new one and goes on. */
function giveNewest(chain: ChainState, rules: Rules): RefreshDecision {
  const newest = chain.unproven.at(-1);
  return newest === undefined ? mintSibling(chain, chain, rules) : repeat(newest);
}

function repeat(newest: { serial: number }, next?: ChainState): RefreshDecision {
  return { kind: 'repeat', serial: newest.serial, ...(next && { next }) };
}

/**
 * An older serial shown well after its successor was minted is what a thief in step leaves behind (I5), and
 * a lost answer too. Only the first echo of a generation is recorded, and none of a bound chain, whose
 * copies are worth nothing.
 */
function listen(chain: ChainState, rules: Rules): ChainState {
  const [successor] = chain.unproven;
  const echoing = successor !== undefined && rules.now - successor.at >= rules.echoAfterMs;
  return echoing && !rules.bound && !chain.echo ? { ...chain, echo: true } : chain;
}

function written(chain: ChainState, rules: Rules): ChainState {
  const { proven, minted, unproven, aliases, echo, echoes } = chain;
  const revision = chain.revision + 1;
  const superseded = rememberedEntries(chain, rules);
  return { revision, proven, minted, unproven, aliases, superseded, ...(echo && { echo }), echoes };
}

function isSuperseded(chain: ChainState, serial: number, rules: Rules): boolean {
  return rememberedEntries(chain, rules).some(
    ({ serials, upTo = 0 }) => serial <= upTo || serials.includes(serial),
  );
}

/** What is older than W goes with the next write: no message of an honest device carries it any more. */
function rememberedEntries(chain: ChainState, rules: Rules): ChainState['superseded'] {
  return chain.superseded.filter((entry) => isYounger(entry.at, rules));
}

/** A clock that went back makes things look younger, and to be young is the harmless side everywhere (I4). */
function isYounger(at: number, rules: Rules, windows = 1): boolean {
  return rules.now - at < rules.windowMs * windows;
}
