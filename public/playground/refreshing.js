// The session token and what it fetches: refresh with rotation, calls with bearer tokens, and the two
// mishaps that a visitor can try, a lost answer and a replayed token.
import { changeHoldings, holdingsOf, note } from './holdings.js';
import { askForTokens, request } from './server.js';
import { pane, say, settings } from './settings.js';
import { serialOf } from './tokens.js';

/** Access tokens of no API in particular: they are opaque, and good for /userinfo alone. */
export const USERINFO = 'userinfo';

/** A token that has less than this to live is not worth sending. */
const LIFE_MIN_MS = 5_000;
const SPENT_MAX = 4;

/**
 * Trades the refresh token for a new pair, one request at a time. Without an API the access token is for
 * /userinfo. Answers { kind: 'refreshed' | 'ended' | 'later' }.
 */
export function refresh(api = USERINFO) {
  return inTurn(async () => {
    const { refresh: held, lost } = holdingsOf(pane);
    if (held === undefined) return { kind: 'ended' };

    const answer = await askForTokens(refreshWith(held.token, api));
    if (!answer.ok) return refreshRefused(answer);

    const { refresh_token: next } = answer.body;
    keepTokens(answer.body, api);
    const serials = { old: serialOf(held.token), new: serialOf(next) };
    note(pane, 'session', next === lost ? 'repeated' : 'refreshed', serials);
    return { kind: 'refreshed' };
  });
}

/** Refreshes, and throws the answer away, as a bad network does. */
export function loseAnswer() {
  return inTurn(async () => {
    const { token } = holdingsOf(pane).refresh;
    const answer = await askForTokens(refreshWith(token, settings.helloApi));
    if (!answer.ok) return refreshRefused(answer);

    // Kept only to tell whether the server says the same thing again; the app goes on with what it had.
    changeHoldings(pane, (holdings) => ({ ...holdings, lost: answer.body.refresh_token }));
    note(pane, 'session', 'lost', { old: serialOf(token) });
    return { kind: 'refreshed' };
  });
}

/** Shows the oldest token that is known to be used up, as somebody with a copy of it would. */
export function replayOld() {
  return inTurn(async () => {
    const { spent } = holdingsOf(pane);
    const [oldest] = spent;
    if (oldest === undefined) return { kind: 'nothing' };

    const answer = await askForTokens(refreshWith(oldest.token, settings.helloApi));
    note(pane, 'session', replayOutcome(answer), { old: serialOf(oldest.token) });
    return { kind: answer.body?.error_reason === 'reuse' ? 'ended' : 'answered' };
  });
}

function replayOutcome({ ok, status, body }) {
  if (ok) return 'replay_same';
  if (status === 429) return 'replay_late';
  return body?.error_reason === 'reuse' ? 'replay_theft' : 'replay_refused';
}

function refreshWith(token, api) {
  return {
    grant_type: 'refresh_token',
    refresh_token: token,
    ...(api !== USERINFO && { resource: api }),
  };
}

function refreshRefused({ status, body }) {
  if (body?.error !== 'invalid_grant') {
    note(pane, 'session', 'refresh_busy');
    return { kind: 'later', words: status === 0 ? say('no_answer') : undefined };
  }
  end(body.error_reason);
  return { kind: 'ended' };
}

/** The session is over: what is held is worth nothing, and stays only to be looked at. */
export function end(reason) {
  changeHoldings(pane, (holdings) => ({ ...holdings, ended: { reason, at: Date.now() } }));
  note(pane, 'session', 'session_ended', { reason });
}

/** Calls an API with a token for it, fetching one where need be. A refused token is replaced once. */
export async function callApi(api, path, options = {}) {
  for (const isLast of [false, true]) {
    const token = await accessToken(api, { anew: isLast });
    if (token === undefined) return { ok: false, status: 401, body: undefined };

    const headers = { ...options.headers, authorization: `Bearer ${token}` };
    const answer = await request(new URL(path, settings.issuer), { ...options, headers });
    if (isLast || answer.status !== 401 || isAboutFreshness(answer)) return answer;
    note(pane, 'call', 'call_refused', { reason: answer.body?.error_reason });
  }
  throw new Error('the last answer is returned');
}

async function accessToken(api, { anew }) {
  const held = holdingsOf(pane).access[api];
  if (!anew && held !== undefined && held.until - Date.now() > LIFE_MIN_MS) return held.token;

  const outcome = await refresh(api);
  return outcome.kind === 'refreshed' ? holdingsOf(pane).access[api].token : undefined;
}

/** RFC 9470: not the token is at fault, the sign-in is too long ago. */
export function isAboutFreshness({ headers }) {
  return headers?.get('www-authenticate')?.includes('insufficient_user_authentication') ?? false;
}

export function keepTokens(answer, api) {
  const at = Date.now();
  changeHoldings(pane, (holdings) => {
    const { refresh: held } = holdings;
    const access = { token: answer.access_token, at, until: at + answer.expires_in * 1_000 };
    return {
      ...holdings,
      access: { ...holdings.access, [api]: access },
      refresh: { token: answer.refresh_token, at },
      idToken: answer.id_token ?? holdings.idToken,
      spent: held === undefined ? [] : withSpent(holdings.spent, held.token, at),
      lost: undefined,
    };
  });
}

/** A used token can still be an honest echo; once its successor was used as well, its time runs. */
function withSpent(spent, token, at) {
  const superseded = spent.map((entry) => ({ ...entry, supersededAt: entry.supersededAt ?? at }));
  return [...superseded, { token, at }].slice(-SPENT_MAX);
}

let last = Promise.resolve();

function inTurn(work) {
  const turn = last.then(work);
  last = turn.catch(() => undefined);
  return turn;
}
