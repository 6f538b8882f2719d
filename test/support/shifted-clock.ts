// Loaded before a child process (`--import`): a machine whose clock is off by SHIFT_CLOCK_MS milliseconds.
const shiftMs = Number(process.env.SHIFT_CLOCK_MS);
const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (_, given) => (given.length === 0 ? new TrueDate(now()) : Reflect.construct(TrueDate, given)),
  apply: () => new TrueDate(now()).toString(),
  get: (_, name) => (name === 'now' ? now : Reflect.get(TrueDate, name)),
});

function now(): number {
  return TrueDate.now() + shiftMs;
}
