// Opens a chip: what kind of thing it is, where it comes from, what it is good for, and what it says.
import { say, sayDuration } from './settings.js';
import { decodeJwt, decodeRefreshToken } from './tokens.js';

/** Claims that are moments, in seconds since the epoch. */
const moments = new Set(['exp', 'iat', 'nbf', 'auth_time']);

export function inspect(layer, { kind, n, token }) {
  const dialog = document.querySelector('[data-inspector]');
  const part = (name) => dialog.querySelector(`[data-inspector-${name}]`);
  const claims = token === undefined ? [] : claimsOf(kind, token);

  dialog.className = `inspector layer-${layer}`;
  part('title').textContent = say(`kinds.${kind}`, { n });
  part('source').textContent = say(`sources.${kind}`);
  part('use').textContent = say(`uses.${kind}`);
  part('claims').replaceChildren(...claims.flatMap(claimRow));
  part('inside').hidden = claims.length === 0;
  part('raw').hidden = token === undefined;
  part('text').textContent = token ?? '';
  dialog.showModal();
}

/** Pairs of a name and what stands there. */
function claimsOf(kind, token) {
  if (kind === 'refresh' || kind === 'old_refresh') {
    return Object.entries(decodeRefreshToken(token)).map(([name, value]) => [say(`parts.${name}`), value]);
  }
  const jwt = decodeJwt(token);
  if (jwt === undefined) return [];

  return [...Object.entries(jwt.header), ...Object.entries(jwt.payload)];
}

function claimRow([name, value]) {
  const term = document.createElement('dt');
  const text = document.createElement('dd');
  term.textContent = name;
  text.textContent = typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (moments.has(name)) text.append(momentWords(value * 1_000));
  return [term, text];
}

function momentWords(at) {
  const words = document.createElement('span');
  const rest = at - Date.now();
  words.className = 'claim-moment';
  words.textContent = say(rest > 0 ? 'in' : 'since', { duration: sayDuration(Math.abs(rest)) });
  return words;
}
