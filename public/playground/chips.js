// What a pane holds as a list of chips, layer by layer. Pure: from holdings and the time to plain values.
// A chip: { id, kind, n?, token?, text, until?, lifeMs?, state, theftAt? }; without `until` it lives until it
// is changed, and `state` is live, used (its one use is behind it), old, gone (expired) or dead (its session
// is over).
import { settings } from './settings.js';
import { decodeJwt, serialOf, shortened } from './tokens.js';

export function chipsOf(layer, pane, holdings, now) {
  const chips = layers[layer](holdings, pane);
  return chips.map((chip) => ({
    ...chip,
    text: chip.text ?? shortened(chip.token),
    state: stateOf(chip, now),
  }));
}

const layers = { credential, session, call, application };

function credential({ idToken, ended }, pane) {
  const { clientId } = settings.apps[pane];
  const wasTyped = idToken !== undefined && !ended && !letInByQr(idToken);
  return [
    ...(wasTyped ? [{ id: 'password', kind: 'password', text: '••••••••' }] : []),
    { id: 'client', kind: 'client', text: clientId },
  ];
}

/** Whether another device let this one in, so that nobody typed a password here (RFC 8176's `amr`). */
export function letInByQr(idToken) {
  return decodeJwt(idToken)?.payload.amr?.includes('qr') ?? false;
}

function session({ refresh, idToken, spent, ended }, pane) {
  if (refresh === undefined) return [];

  const { idleMs } = settings.apps[pane];
  const mark = ended && { state: 'dead' };
  const old = ended ? undefined : spent[0];
  return [
    {
      id: 'session',
      kind: 'refresh',
      n: serialOf(refresh.token),
      token: refresh.token,
      ...(idleMs !== null && { until: refresh.at + idleMs, lifeMs: idleMs }),
      ...mark,
    },
    { id: 'id-token', kind: 'id_token', token: idToken, ...mark },
    ...(old === undefined ? [] : [oldToken(old)]),
  ];
}

/** Once its successor was used as well, showing it again is an honest mistake for one window at most. */
function oldToken({ token, supersededAt }) {
  const chip = { id: 'old', kind: 'old_refresh', n: serialOf(token), token, state: 'old' };
  if (supersededAt === undefined) return chip;

  const { refreshWindowMs: lifeMs } = settings;
  return { ...chip, until: supersededAt + lifeMs, lifeMs };
}

function call({ access, ended }) {
  const kinds = [
    ['userinfo', 'access_userinfo'],
    [settings.helloApi, 'access_hello'],
    [settings.ownApi, 'access_own'],
  ];
  return kinds
    .filter(([api]) => access[api] !== undefined)
    .map(([api, kind]) => {
      const { token, at, until } = access[api];
      return {
        id: kind.replace('_', '-'),
        kind,
        token,
        until,
        lifeMs: until - at,
        ...(ended && { state: 'dead' }),
      };
    });
}

function application({ qr, code, handshake }) {
  return [
    ...(qr === undefined
      ? []
      : [{ id: 'qr', kind: 'qr', ...ticket(qr), text: shortened(qr.text.split('#')[1]) }]),
    ...(handshake === undefined ? [] : [{ id: 'handshake', kind: 'handshake', ...ticket(handshake) }]),
    ...(code === undefined ? [] : [{ id: 'code', kind: 'code', token: code.text, state: 'used' }]),
  ];
}

function ticket({ text, until, lifeMs, used }) {
  return { token: text, until, lifeMs, ...(used && { state: 'used' }) };
}

function stateOf({ state, until }, now) {
  if (state !== undefined) return state;
  return until !== undefined && until <= now ? 'gone' : 'live';
}
