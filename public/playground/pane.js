// One pane: finishes a sign-in that comes back, shows the part of the page that fits, and does what its
// buttons say.
import { finishRedirect, goToSignIn, signOut } from './app.js';
import { changeHoldings, events, holdingsOf, note, onChange } from './holdings.js';
import { callApi, loseAnswer, refresh, replayOld, USERINFO } from './refreshing.js';
import { scannerDeeds, startScanner } from './scanner.js';
import { endOther, sessionOf, showSessions } from './sessions.js';
import { moveToIssuer, pane, sayReason, settings } from './settings.js';
import { startShelf } from './shelf.js';

const find = (selector) => document.querySelector(selector);

const FRESH_SECONDS = 300;

/** In frames the page around them has a shelf for both. */
const standsAlone = window.parent === window;

const deeds = {
  signIn: () => goToSignIn(pane === 'phone' ? { maxAgeSeconds: FRESH_SECONDS } : {}),
  refresh: () => refresh(settings.helloApi),
  lose: loseAnswer,
  replay,
  call: callHello,
  endOther,
  showSessions,
  signOut: leave,
  ...scannerDeeds,
};

let noticedAt;

if (!moveToIssuer()) void start();

async function start() {
  if (pane === 'phone') startScanner();
  for (const button of document.querySelectorAll('[data-do]')) {
    button.addEventListener('click', () => void run(button));
  }
  find('[data-own-shelf]').hidden = !standsAlone;
  if (standsAlone) startShelf();
  onChange(show);
  addEventListener('storage', noticeEnd);

  const outcome = await finishRedirect().catch((error) => ({ kind: 'problem', words: error.message }));
  if (outcome.kind === 'signed_in') await welcome();
  if (outcome.kind === 'signed_out') forget();
  show();
  if (outcome.kind === 'problem') showProblem(outcome.words);
}

/** Asks who signed in, and fetches a token for the API that the app is for. */
async function welcome() {
  const { body } = await callApi(USERINFO, '/userinfo');
  const name = body?.name ?? body?.email ?? '';
  changeHoldings(pane, (holdings) => ({ ...holdings, name }));
  note(pane, 'call', 'userinfo', { name });
  await refresh(settings.helloApi);
}

async function run(button) {
  if (button.hasAttribute('aria-busy')) return;

  button.setAttribute('aria-busy', 'true');
  showProblem();
  try {
    const outcome = await deeds[button.dataset.do]();
    if (outcome?.kind === 'later') showProblem(outcome.words);
  } catch (error) {
    showProblem(error.message);
  }
  button.removeAttribute('aria-busy');
}

async function callHello() {
  const answer = await callApi(settings.helloApi, '/playground/api/hello');
  const { ended } = holdingsOf(pane);
  if (answer.ok) note(pane, 'call', 'called');
  const words = answer.ok ? `${answer.body.hello} (${answer.body.platform})` : sayReason(ended?.reason);
  find('[data-answer]').textContent = words;
}

async function replay() {
  const outcome = await replayOld();
  // The thief's copy was noticed. The app itself finds out at its next step, which is now.
  if (outcome.kind === 'ended') await refresh(settings.helloApi);
}

async function leave() {
  const outcome = await signOut();
  if (outcome.kind === 'signed_out') forget();
}

function forget() {
  note(pane, 'session', 'signed_out');
  changeHoldings(pane, ({ id }) => ({ id, access: {}, spent: [] }));
}

/** An app that is told by a push message that something happened looks for itself; here the tab tells it. */
function noticeEnd() {
  const [latest] = events();
  const isMine =
    latest?.key === 'ended_other' && latest.pane !== pane && latest.values.sid === sessionOf(pane);
  if (!isMine || noticedAt === latest.at) return;

  noticedAt = latest.at;
  void callHello();
}

function show() {
  const { refresh: held, ended, name, spent } = holdingsOf(pane);
  const state = held !== undefined && !ended ? 'signed-in' : 'signed-out';
  document.body.dataset.state = state;
  for (const part of document.querySelectorAll('[data-when]')) part.hidden = part.dataset.when !== state;
  find('[data-name]').textContent = name ?? '';
  find('[data-do="replay"]').disabled = spent.length === 0;
  find('[data-reason]').hidden = !ended;
  if (ended) {
    find('[data-reason-title]').textContent = find('[data-reason-title]').dataset.ended;
    find('[data-reason-words]').textContent = sayReason(ended.reason);
    find('[data-reason]').dataset.code = ended.reason ?? 'unknown';
  }
}

function showProblem(words) {
  for (const place of document.querySelectorAll('[data-problem]')) {
    place.textContent = words ?? '';
    place.hidden = words === undefined;
  }
}
