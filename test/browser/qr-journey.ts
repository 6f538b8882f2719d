// A sign-in by QR code between two browsers that share nothing but a picture: a PC shows the sign-in page of
// an app, the phone app of the playground gets the text that a camera read from a screenshot of it.
import { expect } from 'vitest';
import { DEMO_PASSWORD, demoAccounts } from '../../src/demo.ts';
import type { Tokens } from '../support/app.ts';
import { codeOnScreen } from './camera.ts';
import { arriveAtApp, button, fillSignIn, goToApp, heading, type Look } from './journeys.ts';
import type { Stage } from './stage.ts';
import type { Visitor } from './visitor.ts';

export const ada = { ...demoAccounts[0], password: DEMO_PASSWORD };

/** Signs in to the phone app. */
export async function openPhone(stage: Stage, phone: Visitor): Promise<void> {
  await phone.page.goto(`${stage.strata.origin}/playground/phone`);
  await phone.page.getByTestId('sign-in').click();
  await fillSignIn(phone, ada);
  await phone.page.getByTestId('qr-input').waitFor();
}

export async function panelState({ page }: Visitor, name: string): Promise<void> {
  await page.locator(`[data-qr-panel][data-state="${name}"]`).waitFor();
}

/** The phone's owner points it at the PC. */
export async function scan(pc: Visitor, phone: Visitor): Promise<void> {
  await panelState(pc, 'waiting');
  const payload = await codeOnScreen(pc.page);
  if (payload === undefined) throw new Error('no code on the screen');

  await phone.page.getByTestId('qr-input').fill(payload);
  await phone.page.getByTestId('qr-scan').click();
  await phone.page.getByTestId('qr-request').waitFor();
}

/** Compares the two screens, and types what stands on the PC's. */
export async function typeNumber(pc: Visitor, phone: Visitor): Promise<void> {
  await panelState(pc, 'number');
  const number = (await pc.page.locator('.match-number').textContent()) ?? '';
  await phone.page.getByTestId('qr-number').fill(number);
  await phone.page.getByTestId('qr-approve').click();
}

/** The whole way, to tokens at the app. */
export async function signInByPhone(
  stage: Stage,
  pc: Visitor,
  phone: Visitor,
  look: Look = async () => {},
): Promise<Tokens> {
  await openPhone(stage, phone);
  const asked = await goToApp(pc, stage.notes);
  await panelState(pc, 'waiting');
  await look(pc, 'qr-waiting');

  await scan(pc, phone);
  await panelState(pc, 'number');
  expect(await codeOnScreen(pc.page)).toBeUndefined();
  await look(pc, 'qr-number');
  await look(phone, 'phone-request');
  await typeNumber(pc, phone);
  await phone.page.locator('[data-testid="qr-status"][data-words="approved"]').waitFor();

  await heading(pc, 'qr_continue.title', { label: ada.email }).waitFor();
  await look(pc, 'qr-continue');
  await button(pc, 'qr_continue.continue').click();
  return arriveAtApp(pc.page, stage.notes, asked);
}
