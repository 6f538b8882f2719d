// How the server is told to stop. A second signal means that somebody does not want to wait.
import process from 'node:process';

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** Ctrl-C under `npm start` arrives twice: from the terminal and from npm, which hands it on. */
const SAME_MS = 500;

const exitCodes: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 };

export interface StopSignals {
  /** Resolves with the first signal. */
  readonly first: Promise<StopSignal>;
  /** Leaves signals to the system again. */
  release(): void;
}

export function stopSignals(): StopSignals {
  const first = Promise.withResolvers<StopSignal>();
  let firstAt: number | undefined;

  function onSignal(signal: StopSignal): void {
    const at = performance.now();
    firstAt ??= at;
    first.resolve(signal);
    if (at - firstAt >= SAME_MS) process.exit(exitCodes[signal]);
  }

  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    first: first.promise,
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
