// What the page was given with its markup: facts about the server, and words in the page's language.

export const settings = JSON.parse(document.body.dataset.settings);

/** Which app this page is; undefined on the page around both. */
export const { pane } = document.body.dataset;

export const clientId = settings.apps[pane]?.clientId;

const words = JSON.parse(document.body.dataset.words);

/** The words under a path such as `events.called`, with `{names}` filled in. */
export function say(path, values = {}) {
  const text = path.split('.').reduce((branch, key) => branch?.[key], words) ?? path;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

export function sayReason(reason) {
  const path = `reasons.${reason ?? 'unknown'}`;
  const text = say(path);
  return text === path ? reason : text;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "14 min", "90 days": the largest unit that fits, and seconds below two minutes. */
export function sayDuration(ms) {
  if (ms >= 2 * DAY) return say('days', { n: Math.round(ms / DAY) });
  if (ms >= 2 * HOUR) return say('hours', { n: Math.round(ms / HOUR) });
  if (ms >= 2 * MINUTE) return say('minutes', { n: Math.round(ms / MINUTE) });

  return say('seconds', { n: Math.max(0, Math.ceil(ms / 1_000)) });
}

export function sayAgo(ms) {
  return ms < MINUTE ? say('ago_now') : say('ago_minutes', { n: Math.floor(ms / MINUTE) });
}

/** The server knows itself by one address; the redirects of its clients name that one. */
export function moveToIssuer() {
  const home = new URL(settings.issuer);
  if (location.origin === home.origin) return false;

  location.replace(home.origin + location.pathname + location.search);
  return true;
}
