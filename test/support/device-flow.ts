// The device flow in tests: a TV that shows a code, and a person who types it into a browser.
import type { JsonAnswer, Parameters, TestApp } from './app.ts';
import { type Person, submitSignIn } from './sign-in.ts';
import { type Answer, formOf, type UserAgent } from './user-agent.ts';

export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

export interface DeviceCode {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
}

export async function askForDeviceCode(tv: TestApp, parameters: Parameters = {}): Promise<DeviceCode> {
  const answer = await tv.post('/device/authorize', { scope: 'openid', ...parameters });
  if (answer.status !== 200) throw new Error(`no device code: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export function pollForTokens(tv: TestApp, code: DeviceCode, headers?: Parameters): Promise<JsonAnswer> {
  return tv.token({ grant_type: DEVICE_CODE_GRANT, device_code: code.device_code }, headers);
}

/** Types the code; the answer asks whether that is the device meant. */
export async function typeUserCode(browser: UserAgent, userCode: string): Promise<Answer> {
  const page = await browser.open('/device');
  return browser.submit('/device', { ...formOf(page).fields, user_code: userCode });
}

/** Types the code, confirms the device and signs in where that is asked for; answers the last page. */
export async function approveDevice(browser: UserAgent, code: DeviceCode, person?: Person): Promise<Answer> {
  const page = await typeUserCode(browser, code.user_code);
  const { action, fields } = formOf(page);
  const answer = await browser.submit(action, { ...fields, confirm: 'yes' });
  return person && /\/sign-in$/.test(new URL(answer.url).pathname)
    ? submitSignIn(browser, answer, person)
    : answer;
}
