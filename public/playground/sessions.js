// Where the account is signed in, and ending one of those from here (`/api/sessions`).
import { holdingsOf, note } from './holdings.js';
import { callApi } from './refreshing.js';
import { pane, settings } from './settings.js';
import { decodeJwt } from './tokens.js';

const list = document.querySelector('[data-sessions]');
const words = document.querySelector('[data-sessions-words]');
const other = pane === 'pc' ? 'phone' : 'pc';

export async function showSessions() {
  const { sessions = [] } = (await callApi(settings.ownApi, '/api/sessions')).body ?? {};
  list.replaceChildren(...sessions.map(row));
  list.hidden = sessions.length === 0;
  words.hidden = true;
  return sessions;
}

/** The session of the pane beside this one, else the only other there is; else the person chooses. */
export async function endOther() {
  const others = (await showSessions()).filter(({ current }) => !current);
  const beside = others.find(({ session_id: id }) => id === sessionOf(other));
  const target = beside ?? (others.length === 1 ? others[0] : undefined);
  if (target !== undefined) return endSession(target);

  words.textContent = others.length === 0 ? words.dataset.none : words.dataset.choose;
  words.hidden = false;
}

async function endSession({ session_id: id, name }) {
  const answer = await callApi(settings.ownApi, `/api/sessions/${id}`, { method: 'DELETE' });
  if (answer.ok) note(pane, 'session', 'ended_other', { name, sid: id });
  await showSessions();
}

/** ID tokens name the session that they came with. */
export function sessionOf(name) {
  const { idToken, ended } = holdingsOf(name);
  return idToken === undefined || ended ? undefined : decodeJwt(idToken)?.payload.sid;
}

function row(session) {
  const item = document.createElement('li');
  const name = document.createElement('span');
  name.textContent = session.name || session.platform;
  item.dataset.sessionId = session.session_id;
  item.append(name, session.current ? thisDevice() : endButton(session));
  return item;
}

function thisDevice() {
  const badge = document.createElement('span');
  badge.className = 'badge';
  badge.textContent = list.dataset.current;
  return badge;
}

function endButton(session) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button button-small';
  button.dataset.testid = 'end-session';
  button.textContent = list.dataset.end;
  button.addEventListener('click', () => void endSession(session));
  return button;
}
