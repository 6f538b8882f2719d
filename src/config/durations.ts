// Durations as people write them in the configuration: a whole number and one unit, `15m` or `90d`. One
// notation only, so that a setting means the same wherever it stands; inside the program they are
// milliseconds.

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof unitMs;

const shape = /^(\d{1,12})(ms|s|m|h|d)$/;

/** Milliseconds that `text` stands for; undefined where it is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = shape.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;

  const ms = Number(count) * unitMs[unit as Unit];
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** `ms` (whole and not negative) in the largest unit that holds it without a fraction: 5400000 → `90m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';

  const units = Object.keys(unitMs).reverse() as Unit[];
  const unit = units.find((candidate) => ms % unitMs[candidate] === 0) ?? 'ms';
  return `${ms / unitMs[unit]}${unit}`;
}
