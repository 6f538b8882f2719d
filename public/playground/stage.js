// The page around both panes: it fits the PC's screen into its frame, says whose page each shows, watches
// for a QR code on it, draws the shelf, and ticks off the steps.
import {
  changeHoldings,
  forgetEvents,
  forgetHoldings,
  holdingsOf,
  note,
  onChange,
  stepsTaken,
} from './holdings.js';
import { moveToIssuer, settings } from './settings.js';
import { startShelf } from './shelf.js';

const find = (selector) => document.querySelector(selector);

/** How wide the PC's screen is; on one narrower than the least, pages show no QR code. */
const PC_WIDTH = 960;
const PC_WIDTH_MIN = 800;
const LOOK_MS = 400;

const pc = find('iframe[data-pane="pc"]');
const screen = find('[data-screen="pc"]');

if (!moveToIssuer()) start();

function start() {
  new ResizeObserver(fitScreen).observe(screen);
  setInterval(look, LOOK_MS);
  find('[data-restart]').addEventListener('click', restart);
  onChange(drawSteps);
  drawSteps();
  startShelf();
}

/** A PC's page on a narrow stage is laid out as on a PC and then shrunk. */
function fitScreen() {
  const { clientWidth } = screen;
  const isStacked = clientWidth < PC_WIDTH_MIN / 2;
  const scale = Math.min(1, clientWidth / (isStacked ? PC_WIDTH_MIN : PC_WIDTH));
  screen.style.setProperty('--scale', String(scale));
}

function look() {
  const page = pc.contentDocument;
  if (!page?.body) return;

  const { pathname } = page.location;
  const isApp = pathname.startsWith('/playground/');
  const whose = find('[data-whose]');
  whose.textContent = isApp ? whose.dataset.app : whose.dataset.server;
  whose.classList.toggle('pc-whose-server', !isApp);
  find('[data-address]').textContent =
    new URL(settings.issuer).host + pathname.replace(/\/[\w-]{21,}/g, '/…');
  lookForCode(page);
}

/** The code on the PC's screen is a ticket that the PC's browser holds, though its app knows nothing of it. */
function lookForCode(page) {
  const uri = page.querySelector('[data-qr-uri]')?.dataset.qrUri;
  const { qr } = holdingsOf('pc');
  if (uri === undefined) return forgetUnscanned(qr);
  if (qr?.text === uri) return;

  const { qrCodeMs: lifeMs } = settings;
  changeHoldings('pc', (holdings) => ({
    ...holdings,
    qr: { text: uri, until: Date.now() + lifeMs, lifeMs },
  }));
  if (qr === undefined || qr.used) note('pc', 'application', 'qr_shown');
}

function forgetUnscanned(qr) {
  if (qr !== undefined && !qr.used) changeHoldings('pc', ({ qr: _gone, ...holdings }) => holdings);
}

function drawSteps() {
  for (const [name, taken] of Object.entries(stepsTaken())) {
    const step = find(`[data-step="${name}"]`);
    step.classList.toggle('step-done', taken);
    step.querySelector('[data-step-done]').hidden = !taken;
  }
}

/** Forgets what both panes hold. The server keeps its sessions until they are ended or run out. */
function restart() {
  for (const pane of ['pc', 'phone']) forgetHoldings(pane);
  forgetEvents();
  for (const frame of document.querySelectorAll('iframe')) frame.contentWindow.location.replace(frame.src);
}
