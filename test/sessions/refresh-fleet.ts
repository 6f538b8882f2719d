// A fleet of devices on a plausible network, and thieves who copied a token: where refresh-network.ts looks
// for any schedule that breaks a rule, this one measures how often things happen. Each device has two tabs
// that wake within seconds of each other, share one storage, and try again while no answer comes.
import type { ChainState } from '../../src/sessions/device-session.ts';
import {
  decideRefresh,
  openChain,
  type RefreshDecision,
  type RefreshLimits,
} from '../../src/sessions/refresh-chain.ts';

export interface Network {
  losesRequests: number;
  losesAnswers: number;
  doubles: number;
  /** The longest delay of one message, in ms. */
  delayMs: number;
}

export interface Thief {
  /** When the copy is used again, counted from the last use; ms. `in step`: after each refresh of the owner. */
  pace: number | 'in step';
}

export interface Fleet {
  network: Network;
  wakeUps: number;
  /** Between two wake-ups, ±10 %; ms. */
  intervalMs: number;
  windowMs: number;
  limits?: Partial<RefreshLimits>;
  thief?: Thief;
}

export interface Fate {
  /** The session was ended for theft, so many of the owner's intervals after the thief's first use. */
  endedAfter?: number;
  /** The chain was reported, so many refreshes of the owner after the thief's first use (or ever). */
  suspectAfter?: number;
  refreshes: number;
}

type Random = () => number;

const tabs = 2;
const triesPerWakeUp = 4;
const tryAgainMs = 20_000;

export function liveThrough(fleet: Fleet, random: Random): Fate {
  const { network, intervalMs } = fleet;
  const agenda: { at: number; run: () => void }[] = [];
  const fate: Fate = { refreshes: 0 };
  let chain: ChainState = openChain(0);
  let storage = { serial: 1, since: -intervalMs };
  let now = 0;
  let robbedAt: number | undefined;
  let refreshesBefore = 0;

  function later(ms: number, run: () => void): void {
    const at = now + ms;
    const before = agenda.findLastIndex((entry) => entry.at <= at);
    agenda.splice(before + 1, 0, { at, run });
  }

  function send(lost: number, arrive: () => void): void {
    if (random() >= lost) later(random() * network.delayMs, arrive);
    if (random() < network.doubles) later(random() * network.delayMs, arrive);
  }

  function decide(serial: number): RefreshDecision {
    const decision = decideRefresh(
      chain,
      { serial },
      { ...fleet.limits, now, windowMs: fleet.windowMs, bound: false },
    );
    if ('next' in decision && decision.next) chain = decision.next;
    if (decision.kind === 'theft') fate.endedAfter = (now - (robbedAt ?? now)) / intervalMs;
    if (decision.kind === 'advance' && decision.suspect)
      fate.suspectAfter ??= fate.refreshes - refreshesBefore;
    return decision;
  }

  function refresh(tries: number): void {
    const { serial, since } = storage;
    if (now - since < intervalMs / 2 || tries === 0) return;
    send(network.losesRequests, () => {
      const decision = decide(serial);
      if ('serial' in decision) send(network.losesAnswers, () => store(decision.serial));
    });
    later(tryAgainMs, () => refresh(tries - 1));
  }

  function store(serial: number): void {
    if (storage.serial === serial) return;
    storage = { serial, since: now };
    fate.refreshes += 1;
    if (robbedAt !== undefined && fleet.thief?.pace === 'in step') later(10_000 + random() * 50_000, follow);
  }

  let stolen = 0;
  function follow(): void {
    const decision = decide(stolen);
    if ('serial' in decision) stolen = decision.serial;
  }

  function rob(thief: Thief): void {
    stolen = storage.serial;
    robbedAt = now;
    refreshesBefore = fate.refreshes;
    if (thief.pace !== 'in step') useCopy(thief.pace);
  }

  function useCopy(pace: number): void {
    later(pace * (0.8 + 0.4 * random()), () => {
      if (robbedAt === undefined || fate.endedAfter !== undefined) return;
      follow();
      useCopy(pace);
    });
  }

  let end = 0;
  for (let wakeUp = 0; wakeUp < fleet.wakeUps; wakeUp += 1) {
    end += intervalMs * (0.9 + 0.2 * random());
    for (let tab = 0; tab < tabs; tab += 1) later(end + random() * 3_000, () => refresh(triesPerWakeUp));
  }
  const { thief } = fleet;
  if (thief) later(intervalMs * (3 + 4 * random()), () => rob(thief));

  for (let event = agenda.shift(); event && event.at <= end + intervalMs; event = agenda.shift()) {
    now = event.at;
    event.run();
    if (fate.endedAfter !== undefined) break;
  }
  return fate;
}
