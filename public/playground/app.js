// The app of a pane: a public client of OpenID Connect as any app in a browser or on a phone would be one.
// Signing in by the code flow with PKCE, and signing out.
import { changeHoldings, holdingsOf, note } from './holdings.js';
import { keepTokens, USERINFO } from './refreshing.js';
import { askForTokens, discovered, post } from './server.js';
import { clientId, pane, say, settings } from './settings.js';
import { challengeOf, decodeJwt, randomText } from './tokens.js';

const redirectUri = `${settings.issuer}/playground/${pane}`;
const scope = 'openid profile email offline_access hello qr:approve sessions:read sessions:end';

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

function problem(words) {
  return { kind: 'problem', words };
}
