// The app of a pane: a public client of OpenID Connect as any app in a browser or on a phone would be one.
// Code flow with PKCE, refresh with rotation, calls with bearer tokens, sign-out.
import { changeHoldings, holdingsOf, note } from './holdings.js';
import { say, settings } from './settings.js';
import { challengeOf, decodeJwt, randomText, serialOf } from './tokens.js';

export const pane = document.body.dataset.pane;

const { clientId } = settings.apps[pane];
const redirectUri = `${settings.issuer}/playground/${pane}`;
const scope = 'openid profile email offline_access hello qr:approve sessions:read sessions:end';

/** Access tokens of no API in particular: they are opaque, and good for /userinfo alone. */
export const USERINFO = 'userinfo';

/** A token that has less than this to live is not worth sending. */
const LIFE_MIN_MS = 5_000;
const SPENT_MAX = 4;

let metadata;

async function discovered() {
  metadata ??= (await request(`${settings.issuer}/.well-known/openid-configuration`)).body;
  if (metadata === undefined) throw new Error(say('no_answer'));
  return metadata;
}

/** Leaves for the server's sign-in page. `maxAgeSeconds` asks for a sign-in that is not older than that. */
export async function goToSignIn({ maxAgeSeconds } = {}) {
  const { authorization_endpoint: endpoint } = await discovered();
  const flow = { state: randomText(), verifier: randomText(), nonce: randomText() };
  const address = new URL(endpoint);
  address.search = new URLSearchParams([
    ['client_id', clientId],
    ['response_type', 'code'],
    ['redirect_uri', redirectUri],
    ['scope', scope],
    ['resource', settings.helloApi],
    ['resource', settings.ownApi],
    ['state', flow.state],
    ['nonce', flow.nonce],
    ['code_challenge', await challengeOf(flow.verifier)],
    ['code_challenge_method', 'S256'],
    ['installation_id', installationId()],
    ...(maxAgeSeconds === undefined ? [] : [['max_age', String(maxAgeSeconds)]]),
  ]);
  changeHoldings(pane, (holdings) => ({ ...holdings, flow }));
  note(pane, 'credential', 'sign_in_started');
  location.assign(address);
}

/** So that signing in again on this device replaces the session that it had. */
function installationId() {
  const { id = randomText() } = holdingsOf(pane);
  changeHoldings(pane, (holdings) => ({ ...holdings, id }));
  return id;
}

/**
 * What came back through the address bar: `nothing`, `signed_in`, `signed_out`, or a `problem` in words. The
 * address bar is cleared first: nobody copies a code from there, and reloading asks nothing twice.
 */
export async function finishRedirect() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has('state')) return { kind: 'nothing' };

  history.replaceState(null, '', location.pathname);
  const { flow } = holdingsOf(pane);
  changeHoldings(pane, ({ flow: _spent, ...holdings }) => holdings);
  if (flow?.state !== answer.get('state')) return problem(say('stranger'));
  if (flow.signOut) return { kind: 'signed_out' };
  if (answer.get('iss') !== settings.issuer) return problem(say('stranger'));
  if (answer.has('error')) return problem(say('returned_error', { error: answer.get('error') }));

  return redeemCode(answer.get('code'), flow);
}

async function redeemCode(code, flow) {
  const at = Date.now();
  const answer = await askForTokens({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: flow.verifier,
    ...(pane === 'phone' && { installation_id: installationId() }),
  });
  if (!answer.ok) return problem(say('returned_error', { error: answer.body?.error ?? say('not_reached') }));
  if (decodeJwt(answer.body.id_token)?.payload.nonce !== flow.nonce) return problem(say('stranger'));

  changeHoldings(pane, ({ id, qr }) => ({ id, qr, access: {}, spent: [], code: { text: code, at } }));
  keepTokens(answer.body, USERINFO);
  note(pane, 'session', 'code_redeemed');
  return { kind: 'signed_in' };
}

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

/** A browser's session is ended at the server's own page. A phone's app is the only one in its session. */
export async function signOut() {
  const { revocation_endpoint: revocation, end_session_endpoint: endSession } = await discovered();
  const { idToken, refresh: held, ended } = holdingsOf(pane);
  if (pane === 'phone' || ended !== undefined) {
    await post(revocation, { token: held?.token ?? '', client_id: clientId });
    return { kind: 'signed_out' };
  }
  const flow = { state: randomText(), signOut: true };
  const address = new URL(endSession);
  address.search = new URLSearchParams({
    id_token_hint: idToken,
    client_id: clientId,
    post_logout_redirect_uri: redirectUri,
    state: flow.state,
  });
  changeHoldings(pane, (holdings) => ({ ...holdings, flow }));
  location.assign(address);
  return { kind: 'leaving' };
}

function keepTokens(answer, api) {
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

async function askForTokens(parameters) {
  const { token_endpoint: endpoint } = await discovered();
  return post(endpoint, { ...parameters, client_id: clientId });
}

function post(address, parameters) {
  return request(address, { method: 'POST', body: new URLSearchParams(parameters) });
}

/** Status 0 = the network failed; the body is undefined where it is no JSON. */
async function request(address, options = {}) {
  try {
    const response = await fetch(address, { cache: 'no-store', ...options });
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    const body = isJson ? await response.json() : undefined;
    return { ok: response.ok, status: response.status, headers: response.headers, body };
  } catch {
    return { ok: false, status: 0 };
  }
}

function problem(words) {
  return { kind: 'problem', words };
}

let last = Promise.resolve();

function inTurn(work) {
  const turn = last.then(work);
  last = turn.catch(() => undefined);
  return turn;
}
