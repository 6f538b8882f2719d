// The playground in a real browser: its three first steps, both panes in browsers of their own, and what
// becomes of lost answers and replayed tokens.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  events,
  letIn,
  openPlayground,
  type Playground,
  panesOf,
  scan,
  shownCode,
  shownNumber,
  signInByPassword,
} from './playground-visitor.ts';

let playground: Playground;

beforeAll(async () => {
  playground = await openPlayground();
});

afterAll(() => playground.close());

afterEach(async () => {
  expect(await playground.complaints()).toEqual([]);
});

describe('the playground', () => {
  it('leads a visitor through its three steps, and shows each token where it is held', async () => {
    const page = await playground.visit('/');
    const { pc, phone } = panesOf(page);
    const chip = (pane: string, id: string) => page.locator(`[data-chips=${pane}] [data-testid=chip-${id}]`);

    await signInByPassword(phone);
    await page.locator('[data-step=phone].step-done').waitFor();
    await shownCode(pc);
    await chip('pc', 'qr').and(page.locator('[data-state=live]')).waitFor();
    await phone.getByTestId('qr-scan').click();
    await chip('pc', 'qr').and(page.locator('[data-state=used]')).waitFor();
    await letIn({ pc, phone });
    await page.locator('[data-step=pc].step-done').waitFor();
    await pc.getByTestId('call-api').click();
    await expect.poll(() => pc.getByTestId('answer').textContent()).toContain('Hello from the demo API');
    expect(await chip('pc', 'password').count()).toBe(0);
    expect(await chip('phone', 'password').count()).toBe(1);

    await phone.getByTestId('end-other').click();
    await pc.locator('[data-testid=reason][data-code=kicked]').waitFor();
    await page.locator('[data-step=end].step-done').waitFor();
    await chip('pc', 'session').and(page.locator('[data-state=dead]')).waitFor();
    const last = (await events(page)).slice(0, 3);
    expect(last.sort()).toEqual(['call_refused', 'ended_other', 'session_ended']);
  });

  it('opens a chip to what its token says', async () => {
    const page = await playground.visit('/');
    await signInByPassword(panesOf(page).phone);

    await page.getByTestId('chip-access-hello').click();
    const claims = await page.getByTestId('claims').textContent();
    expect(claims).toContain(`aud${playground.strata.origin}/playground/api`);
    expect(claims).toContain('client_idplayground-phone');
    await page.keyboard.press('Escape');
    await page.getByTestId('chip-session').click();
    expect(await page.getByTestId('claims').textContent()).toMatch(/^sessionses_.*number in the chain2/);
  });
});

describe('a PC and a phone in browsers of their own', () => {
  it('sign in by what the camera read; a number that is not on the screen is said so', async () => {
    const [pc, phone] = [
      await playground.visit('/playground/pc'),
      await playground.visit('/playground/phone'),
    ];
    await signInByPassword(phone);

    await scan(phone, await shownCode(pc));
    const number = await shownNumber(pc);
    await phone.getByTestId('qr-number').fill(number === '10' ? '11' : '10');
    await phone.getByTestId('qr-approve').click();
    await phone.locator('[data-testid=qr-status][data-words=wrong_number]').waitFor();
    await letIn({ pc, phone });

    expect(await events(phone)).toContain('qr_approved');
    expect(await pc.getByTestId('account-name').textContent()).toBe('Ada');
  });
});

describe('an app of the playground', () => {
  it('hears a lost answer again; a replay ends its session once the time for mistakes is over', async () => {
    const pc = await playground.visit('/playground/pc');
    await signInByPassword(pc);
    await expect.poll(() => events(pc)).toContain('refreshed');

    await pc.getByTestId('lose-answer').click();
    await expect.poll(() => events(pc)).toContain('lost');
    await pc.getByTestId('refresh').click();
    await expect.poll(() => events(pc)).toContain('repeated');
    await pc.getByTestId('replay').click();
    await expect.poll(() => events(pc)).toContain('replay_late');

    playground.strata.clock.advance(121_000);
    await pc.getByTestId('replay').click();
    await pc.locator('[data-testid=reason][data-code=reuse]').waitFor();
  });

  it('takes no answer that it did not ask for', async () => {
    const path = '/playground/pc?code=abc&state=stranger&iss=http://elsewhere.example';
    const pc = await playground.visit(path);

    await pc.getByText('It was ignored').first().waitFor();
    expect(new URL(pc.url()).search).toBe('');
  });
});
