// An honest device, its network and the server's chain, driven one step at a time by a schedule that a
// property test chooses. The network may lose, double, delay and reorder what it likes, as long as it
// delivers nothing older than `messageMs`. Any number of requests may be on their way at once: that is two
// tabs with one storage, a client that tries again, a proxy that does.
import type { ChainState } from '../../src/sessions/device-session.ts';
import { decideRefresh, openChain, type RefreshLimits } from '../../src/sessions/refresh-chain.ts';

/**
 * How the device keeps its token. Honest are `patient`: the last answer that arrives is stored, whatever was
 * stored before, and a token is used no sooner than W after it came (access tokens outlive W); and `eager`:
 * refreshes at any moment, with every page say, and stores an answer only if the storage still holds what
 * was sent. `careless` does neither, so it may overwrite its newest token with one it has long left behind.
 */
export type DeviceKind = 'patient' | 'eager' | 'careless';

export type Step =
  | { do: 'wake' }
  | { do: 'deliver' | 'double' | 'lose'; pick: number }
  | { do: 'wait'; ms: number }
  /** The store is restored from the last copy; two restores are at least three windows apart. */
  | { do: 'back up' }
  | { do: 'restore' };

export interface World {
  kind: DeviceKind;
  windowMs: number;
  messageMs: number;
  bound?: boolean;
  limits?: Partial<RefreshLimits>;
}

export interface Course {
  /** How often each decision was made. */
  counts: Record<string, number>;
  signedOut: boolean;
  /** After the storm, on a quiet network: the device still gets new tokens. */
  recovered: boolean;
  /** Every state the chain had. */
  states: ChainState[];
}

type Message =
  | { to: 'server'; serial: number; sentAt: number }
  | { to: 'device'; serial: number; sent: number; sentAt: number };

const hour = 3_600_000;

export function runSchedule(world: World, steps: readonly Step[]): Course {
  const state = {
    now: 1_700_000_000_000,
    chain: openChain(1_700_000_000_000),
    storage: { serial: 1, since: 0 },
    messages: [] as Message[],
  };
  let backup = state.chain;
  let restoredAt = 0;
  const course: Course = { counts: {}, signedOut: false, recovered: false, states: [state.chain] };

  function wake(): void {
    if (world.kind === 'patient' && state.now - state.storage.since < world.windowMs) return;
    state.messages.push({ to: 'server', serial: state.storage.serial, sentAt: state.now });
  }

  function arrive(message: Message): void {
    if (state.now - message.sentAt >= world.messageMs) return;
    if (message.to === 'server') reachServer(message.serial);
    else reachDevice(message);
  }

  function reachServer(serial: number): void {
    const event = { now: state.now, windowMs: world.windowMs, bound: world.bound ?? false, ...world.limits };
    const decision = decideRefresh(state.chain, { serial }, event);
    course.counts[decision.kind] = (course.counts[decision.kind] ?? 0) + 1;
    if (decision.kind === 'theft') course.signedOut = true;
    if ('next' in decision && decision.next) {
      state.chain = decision.next;
      course.states.push(decision.next);
    }
    if ('serial' in decision) {
      state.messages.push({ to: 'device', serial: decision.serial, sent: serial, sentAt: state.now });
    }
  }

  function reachDevice(answer: { serial: number; sent: number }): void {
    if (world.kind === 'eager' && state.storage.serial !== answer.sent) return;
    if (state.storage.serial !== answer.serial) state.storage = { serial: answer.serial, since: state.now };
  }

  function restore(): void {
    if (state.now - restoredAt < 3 * world.windowMs) return;
    restoredAt = state.now;
    state.chain = { ...backup, revision: state.chain.revision + 1 };
  }

  function take(pick: number): Message | undefined {
    return state.messages.splice(pick % Math.max(1, state.messages.length), 1)[0];
  }

  function play(step: Step): void {
    if (step.do === 'wake') wake();
    else if (step.do === 'wait') state.now += step.ms;
    else if (step.do === 'back up') backup = state.chain;
    else if (step.do === 'restore') restore();
    else {
      const message = take(step.pick);
      if (message && step.do !== 'lose') arrive(message);
      if (message && step.do === 'double') state.messages.push(message);
    }
  }

  for (const step of steps) {
    play(step);
    if (course.signedOut) return course;
  }
  course.recovered = staysSignedIn();
  return course;

  /** An hour later nothing is on its way; two refreshes, an hour apart, must bring two new tokens. */
  function staysSignedIn(): boolean {
    return [1, 2].every(() => {
      state.messages.length = 0;
      state.now += hour;
      const before = state.storage.serial;
      wake();
      for (let message = take(0); message; message = take(0)) arrive(message);
      return !course.signedOut && state.storage.serial !== before;
    });
  }
}
