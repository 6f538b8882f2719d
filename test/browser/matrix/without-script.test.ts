// Browsers that run no script: every task that needs none can be done.
import { describe, expect } from 'vitest';
import { it } from '../browser-test.ts';
import {
  button,
  connectDevice,
  consent,
  endOtherDevice,
  goToApp,
  heading,
  seeRefusals,
  signIn,
  signOut,
  signUp,
} from '../journeys.ts';
import { DESK, PHONE } from './cells.ts';
import { lookClosely } from './look.ts';

const visitors = [
  { language: 'en', theme: 'light', width: DESK, script: false },
  { language: 'zh', theme: 'dark', width: PHONE, script: false },
] as const;

describe.each(visitors)('without script, in $language, $width px wide, somebody', (cell) => {
  it('signs up', async ({ stage }) => {
    await signUp(stage, await stage.visitor(cell), 'mei@example.com', lookClosely);
  });

  it('signs in', async ({ stage }) => {
    await signIn(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('lets an app of somebody else in', async ({ stage }) => {
    await consent(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('signs out', async ({ stage }) => {
    await signOut(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('ends another device', async ({ stage }) => {
    const [visitor, other] = [await stage.visitor(cell), await stage.visitor(cell)];
    await endOtherDevice(stage, visitor, other, await stage.strata.addAccount(), lookClosely);
  });

  it('connects a TV', async ({ stage }) => {
    await connectDevice(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('is told what went wrong', async ({ stage }) => {
    await seeRefusals(stage, await stage.visitor(cell), lookClosely);
  });
});

describe('the panel for phones without script', () => {
  it('says what it would need, and offers nothing that does not work', async ({ stage }) => {
    const visitor = await stage.visitor(visitors[0]);
    await goToApp(visitor, stage.notes);
    await heading(visitor, 'sign_in.title').waitFor();

    await visitor.page.getByText(visitor.words.t('qr.no_script'), { exact: true }).waitFor();
    expect(await button(visitor, 'common.show_password').count()).toBe(0);
    expect(await button(visitor, 'qr.again').count()).toBe(0);
  });
});
