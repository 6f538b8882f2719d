// What each pane holds: tokens and the little that it remembers about them, kept in the tab's own storage.
// Both panes and the page around them live in one tab, so the page reads there what the panes hold, and is
// told of every change by the `storage` event. A real app keeps its tokens where nothing else can read them.

const empty = { access: {}, spent: [] };
const listeners = new Set();

/**
 * { id, refresh: {token, at}, idToken, access: {api → {token, at, until, scope}}, spent: [{token, at,
 * supersededAt?}], name, code, qr, handshake, flow, ended: {reason, at}, lost }
 */
export function holdingsOf(pane) {
  return { ...empty, ...read(keyOf(pane)) };
}

/** `change` gets a copy and may alter it or return another one. */
export function changeHoldings(pane, change) {
  const holdings = holdingsOf(pane);
  write(keyOf(pane), change(holdings) ?? holdings);
  tell();
}

export function forgetHoldings(pane) {
  sessionStorage.removeItem(keyOf(pane));
  tell();
}

const EVENTS = 'strata playground events';
const EVENTS_MAX = 40;

/** Newest first: { at, pane, layer, key, values }. */
export function events() {
  return read(EVENTS) ?? [];
}

/** `values` of the words `events.<key>`. */
export function note(pane, layer, key, values = {}) {
  const event = { at: Date.now(), pane, layer, key, values };
  write(EVENTS, [event, ...events()].slice(0, EVENTS_MAX));
  tell();
}

export function forgetEvents() {
  sessionStorage.removeItem(EVENTS);
  tell();
}

/** Which of the suggested steps have been taken. */
export function stepsTaken() {
  const keys = new Set(events().map(({ pane, key }) => `${pane} ${key}`));
  return {
    phone: keys.has('phone code_redeemed'),
    pc: keys.has('phone qr_approved') && keys.has('pc code_redeemed'),
    end: keys.has('phone ended_other'),
  };
}

export function onChange(listener) {
  listeners.add(listener);
}

addEventListener('storage', tell);

function tell() {
  for (const listener of listeners) listener();
}

function keyOf(pane) {
  return `strata playground ${pane}`;
}

function read(key) {
  return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined;
}

function write(key, value) {
  sessionStorage.setItem(key, JSON.stringify(value));
}
