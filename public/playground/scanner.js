// The phone's side of QR sign-in: reads a code, shows who asks, and approves or refuses (`/api/qr/…`).
import { changeHoldings, note } from './holdings.js';
import { callApi, isAboutFreshness } from './refreshing.js';
import { sayAgo, settings } from './settings.js';

const find = (selector) => document.querySelector(selector);

/** Code and lifetime of what was scanned, while it waits for an answer. */
let scanned;

export function startScanner() {
  const start = find('[data-scan="start"]');
  const request = find('[data-scan="request"]');
  // Beside a PC the camera sees its screen; alone, people say what it would have read.
  find('[data-scan-input]').hidden = pcScreen() !== undefined;
  start.addEventListener('submit', (event) => submitted(event, scan));
  request.addEventListener('submit', (event) => submitted(event, approve));
}

export const scannerDeeds = { deny: () => deny('not_me'), mistake: () => deny('mistake') };

async function submitted(event, deed) {
  event.preventDefault();
  const form = event.currentTarget;
  if (form.hasAttribute('aria-busy')) return;

  form.setAttribute('aria-busy', 'true');
  await deed().finally(() => form.removeAttribute('aria-busy'));
}

/** The document in the PC's frame, where this phone stands beside one. */
function pcScreen() {
  if (window.parent === window) return undefined;
  return window.parent.document.querySelector('iframe[data-pane="pc"]')?.contentDocument ?? undefined;
}

async function scan() {
  const pc = pcScreen();
  const read = pc ? pc.querySelector('[data-qr-uri]')?.dataset.qrUri : find('#qr-input').value.trim();
  if (!read) return say('no_code');

  const code = parsedCode(read);
  if (code === undefined) return say('unreadable');

  const answer = await post('scan', code);
  if (isAboutFreshness(answer)) return askToSignInAgain();
  if (!answer.ok) return refused(answer);

  // Its page takes the code off the screen; what is left of it for the visitor is that it was used.
  if (pc) changeHoldings('pc', (holdings) => ({ ...holdings, qr: { text: read, used: true } }));
  note('phone', 'application', 'qr_scanned');
  showRequest(answer.body);
}

/** `<issuer>/q/m/<id>#<code>` */
function parsedCode(text) {
  const address = URL.parse(text);
  const [, id] = /^\/q\/m\/([\w-]+)$/.exec(address?.pathname ?? '') ?? [];
  const code = address?.hash.slice(1);
  return id && code && address.origin === new URL(settings.issuer).origin ? { id, code } : undefined;
}

function showRequest({ handshake, request, confirm, expires_in_ms: lifeMs }) {
  const { client, requester, created_ago_ms: agoMs } = request;
  const ticket = { text: handshake, until: Date.now() + lifeMs, lifeMs };
  scanned = { handshake, confirm };
  changeHoldings('phone', (holdings) => ({ ...holdings, handshake: ticket }));

  if (confirm === 'none') return finish('approved', 'qr_approved');
  hideWords();
  find('#qr-number').value = '';
  find('[data-scan-client]').textContent = client.name;
  find('[data-scan-browser]').textContent =
    [requester.browser, requester.os].filter(Boolean).join(', ') || '–';
  find('[data-scan-asked]').textContent = sayAgo(agoMs);
  showRow('place', requester.place);
  showNetwork(requester.network_match);
  find('[data-scan-number]').hidden = confirm !== 'number';
  show('request');
  find(confirm === 'number' ? '#qr-number' : '[data-testid="qr-approve"]').focus();
}

function showRow(name, text) {
  find(`[data-scan-row="${name}"]`).hidden = text === undefined;
  find(`[data-scan-${name}]`).textContent = text ?? '';
}

function showNetwork(isSame) {
  const { same, other } = find('[data-scan-network]').dataset;
  showRow('network', isSame === undefined ? undefined : isSame ? same : other);
}

async function approve() {
  const { handshake, confirm } = scanned;
  const number = find('#qr-number').value.trim();
  const answer = await post('approve', { handshake, ...(confirm === 'number' && { number }) });
  if (answer.ok) return finish('approved', 'qr_approved');
  if (isAboutFreshness(answer)) return askToSignInAgain();
  if (answer.body?.code !== 'wrong_number') return refused(answer);

  note('phone', 'application', 'qr_wrong_number');
  const { attempts_left: left } = answer.body;
  if (left === 0) return finish('over');

  say('wrong_number', { left });
  find('#qr-number').select();
}

async function deny(reason) {
  const answer = await post('deny', { handshake: scanned.handshake, reason });
  if (!answer.ok) return refused(answer);
  finish('denied', 'qr_denied');
}

const overCodes = new Set([
  'invalid_code',
  'already_used',
  'expired_token',
  'unknown_handshake',
  'state_conflict',
]);

function refused({ body }) {
  const code = body?.code ?? 'no_answer';
  if (overCodes.has(code)) return finish('over');
  say('failed', { code });
}

function finish(words, event) {
  scanned = undefined;
  changeHoldings('phone', (holdings) => ({
    ...holdings,
    handshake: holdings.handshake && { ...holdings.handshake, used: true },
  }));
  if (event !== undefined) note('phone', 'application', event);
  show('start');
  say(words);
}

function askToSignInAgain() {
  show('start');
  say('stale');
  find('[data-scan-again]').hidden = false;
}

function show(form) {
  for (const each of document.querySelectorAll('[data-scan]')) each.hidden = each.dataset.scan !== form;
}

function say(words, values = {}) {
  const text = find(`[data-scan-text="${words}"]`).content.textContent;
  const place = find('[data-scan-words]');
  place.textContent = text.replace(/\{(\w+)\}/g, (_whole, name) => String(values[name]));
  place.dataset.words = words;
  place.hidden = false;
  find('[data-scan-again]').hidden = true;
}

function hideWords() {
  find('[data-scan-words]').hidden = true;
}

function post(step, body) {
  const headers = { 'content-type': 'application/json' };
  return callApi(settings.ownApi, `/api/qr/${step}`, { method: 'POST', headers, body: JSON.stringify(body) });
}
