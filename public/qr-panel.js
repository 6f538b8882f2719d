// The panel "sign in with your phone". It opens a QR transaction, draws the code that its server sends,
// follows the transaction, and goes on once the phone has approved.
//
// POST createUrl (form field `csrf`) answers with
//   { events_uri, poll_uri, continue_uri, interval, deadline_in_ms, qr_uri, qr_svg, rotate_in_ms,
//     expires_in_ms }
// GET events_uri is an event stream that begins with a snapshot:
//   code { qr_uri, qr_svg, rotate_in_ms, expires_in_ms } · scanned { match_number? } · approved · denied ·
//   cancelled · expired
// GET poll_uri answers with { state } and the fields of that state's event; `pending` stands for `code` and
// `redeemed` for `approved`.
// All times are what remains, in milliseconds, but for `interval`, which is in seconds as in RFC 8628.

const panel = document.querySelector('[data-qr-panel]');
const frame = panel.querySelector('[data-qr-frame]');
const countdown = panel.querySelector('[data-qr-countdown]');
const ring = panel.querySelector('[data-qr-ring]');
const seconds = panel.querySelector('[data-qr-seconds]');
const words = panel.querySelector('[data-qr-words]');
const againButton = panel.querySelector('[data-qr-again]');
const startOverButton = panel.querySelector('[data-qr-start-over]');
const image = new Image();

/** A stream that says nothing for so long is held back by something on the way: the panel polls instead. */
const SILENCE_MS = 4_000;
const STREAM_FAILURES_MAX = 3;

/** The panel is not shown on a phone, where nobody could scan it. Keep in step with strata.css. */
const wideEnough = matchMedia('(min-width: 48rem)');

/** How long a scan waits for the phone's answer, with room for a slow network. */
const CONFIRM_MS = 120_000;

/** What the server said when the transaction was opened; undefined before, and after it is over. */
let transaction;
/** The connection that follows the transaction: a stream, or polls; undefined while the page is not seen. */
let connection;
/** When the code on the screen is replaced and when it is dead, by the monotonic clock. */
let code;
let opening = false;
let pageIsStale = false;

image.className = 'qr-code';
image.alt = frame.dataset.words;
image.hidden = true;
frame.prepend(image);
againButton.addEventListener('click', startAgain);
startOverButton.addEventListener('click', startAgain);
document.addEventListener('visibilitychange', followWhileSeen);
wideEnough.addEventListener('change', followWhileSeen);
addEventListener('pagehide', disconnect);
addEventListener('pageshow', (event) => event.persisted && followWhileSeen());
setInterval(tick, 1_000);
followWhileSeen();

/** Nobody scans a code that nobody sees: a hidden page holds no connection until it is seen again. */
function followWhileSeen() {
  const seen = wideEnough.matches && document.visibilityState === 'visible';
  if (!seen) {
    if (panel.dataset.state === 'waiting') disconnect();
  } else if (transaction !== undefined) {
    if (connection === undefined) follow();
  } else if (panel.dataset.state === 'starting') {
    void openTransaction();
  }
}

function startAgain() {
  if (pageIsStale) location.reload();
  else void openTransaction();
}

async function openTransaction() {
  if (opening) return;
  opening = true;
  disconnect();
  transaction = undefined;
  showNumber('');
  show('starting');

  const body = new URLSearchParams({ csrf: panel.dataset.csrf });
  const answer = await request(panel.dataset.createUrl, { method: 'POST', body });
  opening = false;
  if (answer.body === undefined) {
    const busy = answer.status === 429 || answer.status === 503;
    pageIsStale = answer.status >= 400 && answer.status < 500 && !busy;
    show(busy ? 'busy' : 'failed');
    return;
  }

  transaction = { ...answer.body, deadline: performance.now() + answer.body.deadline_in_ms, period: 0 };
  drawCode(answer.body);
  followWhileSeen();
}

/** What each event means; the names are those of the stream. */
const arrivals = {
  code: drawCode,
  scanned: showScanned,
  approved: goOn,
  denied: () => finish('denied'),
  cancelled: () => finish('cancelled'),
  expired: () => finish('expired'),
};

const eventOfState = { pending: 'code', redeemed: 'approved' };

function follow() {
  const stream = new EventSource(transaction.events_uri);
  const own = { stream, failures: 0, timer: setTimeout(pollInstead, SILENCE_MS) };
  connection = own;

  for (const [name, arrive] of Object.entries(arrivals)) {
    stream.addEventListener(name, (event) => {
      clearTimeout(own.timer);
      own.failures = 0;
      arrive(JSON.parse(event.data || '{}'));
    });
  }
  stream.addEventListener('error', () => {
    own.failures += 1;
    if (stream.readyState === EventSource.CLOSED || own.failures >= STREAM_FAILURES_MAX) pollInstead();
  });
}

function pollInstead() {
  disconnect();
  connection = {};
  void poll(connection);
}

async function poll(own) {
  const answer = await request(transaction.poll_uri);
  if (connection !== own) return;

  const state = answer.body?.state;
  if (state !== undefined) arrivals[eventOfState[state] ?? state]?.(answer.body);
  else if (answer.status === 404 || answer.status === 410) finish('expired');
  else if (answer.status === 0) show('reconnecting');
  if (connection !== own) return;

  const waits = answer.status === 429 || answer.status === 503 ? 2 : 1;
  own.timer = setTimeout(poll, transaction.interval * 1_000 * waits, own);
}

/** Ends the connection; the transaction lives on and can be followed again. */
function disconnect() {
  clearTimeout(connection?.timer);
  connection?.stream?.close();
  connection = undefined;
}

function drawCode(next) {
  const now = performance.now();
  code = { rotateAt: now + next.rotate_in_ms, deadAt: now + next.expires_in_ms };
  transaction.period = Math.max(transaction.period, next.rotate_in_ms);
  show('waiting');
  if (image.dataset.qrUri !== next.qr_uri) {
    image.src = `data:image/svg+xml,${encodeURIComponent(next.qr_svg)}`;
    image.dataset.qrUri = next.qr_uri;
  }
  tick();
}

function showScanned({ match_number: number }) {
  show(number === undefined ? 'scanned' : 'number');
  showNumber(number ?? '');
}

function showNumber(number) {
  for (const place of panel.querySelectorAll('[data-qr-number]')) place.textContent = number;
}

function goOn() {
  const { continue_uri: next } = transaction;
  finish('approved');
  location.assign(next);
}

function finish(state) {
  disconnect();
  transaction = undefined;
  show(state);
}

/** Counts down to the next code, and takes off the screen what is dead though no server said so. */
function tick() {
  if (transaction === undefined) return;

  const now = performance.now();
  const unscanned = panel.dataset.state === 'waiting' || panel.dataset.state === 'reconnecting';
  if (now >= transaction.deadline + (unscanned ? 0 : CONFIRM_MS)) finish('expired');
  else if (panel.dataset.state !== 'waiting') return;
  else if (now >= code.deadAt) show('reconnecting');
  else showRest(Math.max(0, code.rotateAt - now));
}

function showRest(restMs) {
  ring.setAttribute('stroke-dashoffset', String(100 - (100 * restMs) / transaction.period));
  seconds.textContent = seconds.dataset.words.replace('{seconds}', String(Math.ceil(restMs / 1_000)));
}

/** Shows a state. Its words are announced by screen readers, so they are replaced only when they change. */
function show(state) {
  if (panel.dataset.state === state && words.childElementCount > 0) return;

  const over = ['denied', 'cancelled', 'expired', 'failed', 'busy'].includes(state);
  panel.dataset.state = state;
  image.hidden = state !== 'waiting';
  if (image.hidden) delete image.dataset.qrUri;
  countdown.hidden = state !== 'waiting';
  againButton.hidden = !over;
  startOverButton.hidden = state !== 'scanned' && state !== 'number';
  words.replaceChildren(panel.querySelector(`template[data-qr-state="${state}"]`).content.cloneNode(true));
}

/** The status and, of a good answer, its JSON; status 0 = the network failed. */
async function request(url, options) {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json' },
      cache: 'no-store',
      ...options,
    });
    return { status: response.status, body: response.ok ? await response.json() : undefined };
  } catch {
    return { status: 0, body: undefined };
  }
}
