// QR sign-in between a PC and a phone that share nothing but a picture of the PC's screen.
import { describe, expect } from 'vitest';
import { claimsOf } from '../support/app.ts';
import { it } from './browser-test.ts';
import { button, goToApp, heading } from './journeys.ts';
import { ada, openPhone, panelState, scan, signInByPhone, typeNumber } from './qr-journey.ts';

describe('a phone that scans the code on the sign-in page of an app', () => {
  it.for(['light', 'dark'] as const)('signs the PC in, in the %s theme', async (theme, { stage }) => {
    const pc = await stage.visitor({ theme });
    const phone = await stage.visitor({ theme, width: 390 });
    const tokens = await signInByPhone(stage, pc, phone);

    const { body } = await stage.notes.userinfo(tokens.access_token);
    expect(body).toMatchObject({ name: ada.name });
    // What the phone was signed in with counts; the session is the PC's own.
    expect(claimsOf(tokens.id_token)).toMatchObject({ sub: body.sub, amr: ['pwd', 'qr'] });
    await pc.page.goto(`${stage.strata.origin}/devices`);
    const rows = pc.page.getByRole('listitem').filter({ has: pc.page.getByRole('button') });
    expect(await rows.count()).toBe(2);
  });

  it('signs nobody in where the person at the PC says that it is not them', async ({ stage }) => {
    const [pc, phone] = [await stage.visitor(), await stage.visitor({ width: 390 })];
    await openPhone(stage, phone);
    await goToApp(pc, stage.notes);
    await scan(pc, phone);
    await typeNumber(pc, phone);
    await button(pc, 'qr_continue.not_me').click();

    await heading(pc, 'sign_in.title').waitFor();
    await pc.page.goto(`${stage.strata.origin}/devices`);
    await heading(pc, 'sign_in.title').waitFor();
  });

  it('says no, which the PC hears', async ({ stage }) => {
    const [pc, phone] = [await stage.visitor({ language: 'zh' }), await stage.visitor({ width: 390 })];
    await openPhone(stage, phone);
    await goToApp(pc, stage.notes);
    await scan(pc, phone);
    await phone.page.getByTestId('qr-deny').click();

    await panelState(pc, 'denied');
    await pc.page.getByText(pc.words.t('qr.denied'), { exact: true }).waitFor();
    await button(pc, 'qr.again').click();
    await panelState(pc, 'waiting');
  });
});
