// QR sign-in against the real server, looked at closely in every theme and language, and where the way between
// the page and the server is not what it should be. The panel alone, with a server that a test moves by hand,
// is in qr-panel.test.ts.
import { describe, expect } from 'vitest';
import { it } from '../browser-test.ts';
import { arriveAtApp, button, goToApp, heading } from '../journeys.ts';
import { ada, openPhone, panelState, scan, signInByPhone, typeNumber } from '../qr-journey.ts';
import type { Visitor } from '../visitor.ts';
import { cells, DESK, PHONE } from './cells.ts';
import { lookClosely } from './look.ts';

const eventStreams = /\/api\/qr\/transactions\/[\w-]+\/events$/;

describe.each(cells.filter(({ width }) => width === DESK))('a phone, in $language, $theme,', (cell) => {
  it('signs a PC in', async ({ stage }) => {
    const pc = await stage.visitor(cell);
    const phone = await stage.visitor({ ...cell, width: 390 });
    await signInByPhone(stage, pc, phone, lookClosely);
  });
});

describe.each([
  ['light', 'en'],
  ['dark', 'zh'],
] as const)('where no event stream gets through, in the %s theme, in %s,', (theme, language) => {
  it.override('settings', { qr: { interval: '1s' } });

  it('the page polls, and a phone signs the PC in', async ({ stage }) => {
    const pc = await stage.visitor({ theme, language, cut: eventStreams });
    let cuts = 0;
    await pc.page.route(eventStreams, (route) => {
      cuts += 1;
      return route.abort('connectionreset');
    });

    await signInByPhone(stage, pc, await stage.visitor({ width: 390 }));
    expect(cuts).toBeGreaterThan(0);
  });
});

describe('a sign-in page that nobody sees', () => {
  it('lets go of its connection, and catches up with the phone when seen again', async ({ stage }) => {
    const [pc, phone] = [await stage.visitor(), await stage.visitor({ width: 390 })];
    await openPhone(stage, phone);
    const asked = await goToApp(pc, stage.notes);
    await panelState(pc, 'waiting');
    const letGo = pc.page.waitForEvent('requestfailed', (request) => eventStreams.test(request.url()));
    await setVisibility(pc, 'hidden');
    await letGo;

    await scan(pc, phone);
    await panelState(pc, 'waiting');
    await setVisibility(pc, 'visible');
    await typeNumber(pc, phone);
    await heading(pc, 'qr_continue.title', { label: ada.email }).waitFor();
    await button(pc, 'qr_continue.continue').click();
    await arriveAtApp(pc.page, stage.notes, asked);
  });
});

describe('a sign-in page on a phone', () => {
  it('asks for no code, since nobody could scan it there', async ({ stage }) => {
    const visitor = await stage.visitor({ width: PHONE });
    const asked: string[] = [];
    visitor.page.on('request', (request) => asked.push(request.method()));
    await goToApp(visitor, stage.notes);
    await visitor.page.waitForLoadState('networkidle');

    await visitor.page.getByText(visitor.words.t('sign_in.phone_hint'), { exact: true }).waitFor();
    expect(asked).not.toContain('POST');
  });
});

/** A real browser without a window always takes its pages for seen. */
async function setVisibility({ page }: Visitor, value: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate(`
    Object.defineProperty(document, 'visibilityState', { value: '${value}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
}
