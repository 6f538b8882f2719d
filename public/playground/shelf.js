// The shelf: four strips with the chips of each pane, and the line of events below them. It is drawn from
// the tab's storage; chips that stay are kept as elements, so that a bar moves on and focus is not lost.
import { chipsOf, letInByQr } from './chips.js';
import { events, holdingsOf, onChange } from './holdings.js';
import { inspect } from './inspector.js';
import { say, sayDuration, sayReason } from './settings.js';

const BAR_MS = 1_000;

export function startShelf() {
  onChange(draw);
  setInterval(drawChips, BAR_MS);
  draw();
}

function draw() {
  drawChips();
  drawEvents();
}

function drawChips() {
  const now = Date.now();
  for (const list of document.querySelectorAll('[data-chips]')) {
    const { chips: pane, layer } = list.dataset;
    const holdings = holdingsOf(pane);
    const chips = chipsOf(layer, pane, holdings, now);
    const items = chips.map((chip) => chipItem(list, chip, { pane, layer, now }));
    const wanted = [...items, ...remarks(layer, chips, holdings, list)];
    for (const left of [...list.children].filter((child) => !wanted.includes(child))) left.remove();
    wanted.forEach((item, place) => {
      if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
    });
  }
}

/** What stands where there is no chip. */
function remarks(layer, chips, { idToken, ended }, list) {
  const noPassword = layer === 'credential' && idToken !== undefined && !ended && letInByQr(idToken);
  if (!noPassword && chips.length > 0) return [];

  const item = list.querySelector('.chip-nothing') ?? element('li', 'chip-nothing');
  setText(item, noPassword ? say('not_typed') : list.dataset.nothing);
  return [item];
}

function chipItem(list, chip, { pane, layer, now }) {
  const item = list.querySelector(`[data-chip="${chip.id}"]`) ?? newItem(chip, { pane, layer });
  const button = item.firstElementChild;
  const [kind, text, life, bar] = button.children;
  const isNew = item.dataset.text !== undefined && item.dataset.text !== chip.text;
  item.dataset.text = chip.text;
  button.dataset.state = chip.state;
  setText(kind, say(`kinds.${chip.kind}`, { n: chip.n }));
  setText(text, chip.text);
  setText(life, lifeWords(chip, now));
  bar.hidden = chip.lifeMs === undefined || chip.state === 'used' || chip.state === 'dead';
  // Through the object model: the content policy allows no style attribute.
  bar.firstElementChild.style.setProperty('--rest', String(restOf(chip, now)));
  if (isNew) flash(button);
  return item;
}

function newItem(chip, { pane, layer }) {
  const item = element('li');
  const button = element('button', 'chip');
  const bar = element('span', 'bar');
  item.dataset.chip = chip.id;
  button.type = 'button';
  button.dataset.testid = `chip-${chip.id}`;
  bar.append(element('span'));
  button.append(
    element('span', 'chip-kind'),
    element('code', 'chip-text'),
    element('span', 'chip-life'),
    bar,
  );
  button.addEventListener('click', () => {
    const current = chipsOf(layer, pane, holdingsOf(pane), Date.now()).find(({ id }) => id === chip.id);
    if (current !== undefined) inspect(layer, current);
  });
  item.append(button);
  return item;
}

function restOf({ state, until, lifeMs }, now) {
  if (until === undefined || state === 'dead') return 0;
  return Math.min(1, Math.max(0, (until - now) / lifeMs));
}

function lifeWords({ id, state, until }, now) {
  if (state === 'dead') return say('dead');
  if (state === 'used') return say('used');
  if (state === 'gone') return say('gone');
  if (id === 'old') return theftWords(until, now);
  if (id === 'id-token') return say('proof');

  return until === undefined ? say('until_changed') : sayDuration(until - now);
}

function theftWords(until, now) {
  if (until === undefined) return say('used');
  return until > now ? say('theft_in', { rest: sayDuration(until - now) }) : say('theft_now');
}

function flash(button) {
  button.classList.remove('chip-new');
  // Reading a size makes the browser forget the animation, so that it runs anew.
  void button.offsetWidth;
  button.classList.add('chip-new');
}

function drawEvents() {
  const list = document.querySelector('[data-events]');
  const shown = events();
  const known = new Map([...list.children].map((item) => [item.dataset.event, item]));
  const items = shown.map((event) => known.get(idOf(event)) ?? eventItem(event));
  for (const left of [...list.children].filter((child) => !items.includes(child))) left.remove();
  items.forEach((item, place) => {
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] ?? null);
  });
  document.querySelector('[data-no-events]').hidden = shown.length > 0;
}

function idOf({ at, pane, key }) {
  return `${at} ${pane} ${key}`;
}

function eventItem(event) {
  const { at, pane, layer, key, values } = event;
  const item = element('li', `event layer-${layer}`);
  const time = element('time', 'event-time');
  const who = element('b', 'event-who');
  item.dataset.event = idOf(event);
  item.dataset.key = key;
  time.dateTime = new Date(at).toISOString();
  setText(time, new Date(at).toLocaleTimeString(document.documentElement.lang, { hour12: false }));
  setText(who, say(`panes.${pane}`));
  const words = say(`events.${key}`, { ...values, reason: sayReason(values.reason) });
  item.append(time, who, ` ${words}`);
  return item;
}

function element(name, className = '') {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

/** Text that is the same is left alone: a screen reader would say it again. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
