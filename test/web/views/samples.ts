// A sample of every state that a view can be in. The tests render and validate all of them in all languages.
import { endReasons } from '../../../src/sessions/device-session.ts';
import type { DeviceRow, PageErrorCode, ViewContexts, ViewName } from '../../../src/web/views.ts';
import { paneSamples, playgroundSamples } from './playground-samples.ts';

export type Samples<View extends ViewName> = Readonly<Record<string, ViewContexts[View]>>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const csrf = 'csrf-value';
const action = '/interaction/abc123/sign-in';
const client = { name: 'Notes' };
const clientWithLogo = { name: 'Lantern Mail', logoUrl: '/favicon.svg' };
const account = { label: 'Li Wei' };
const qr = { createUrl: '/interaction/abc123/qr', csrf };
const hostile = '"><script>alert(1)</script>\u0000<img src=x onerror=alert(1)>&amp;';

const phone: DeviceRow = {
  id: 'ses_phone',
  platform: 'ios',
  class: 'phone',
  name: 'Li’s iPhone',
  current: false,
  place: 'Hangzhou',
  activeAgoMs: 3 * MINUTE,
  startedAgoMs: 40 * DAY,
  startedBy: { how: 'password' },
  apps: ['Notes', 'Lantern Mail'],
  endUrl: '/devices/ses_phone/end',
};

const browser: DeviceRow = {
  id: 'ses_browser',
  platform: 'web',
  class: 'browser',
  name: 'Firefox on Windows',
  current: true,
  place: 'Hangzhou',
  activeAgoMs: 5_000,
  startedAgoMs: 2 * HOUR,
  startedBy: { how: 'qr', byName: 'Li’s iPhone' },
  apps: ['Notes'],
  endUrl: '/devices/ses_browser/end',
};

const errorCodes: readonly PageErrorCode[] = [
  'account_locked',
  'app_mistake',
  'conflict',
  'csrf',
  'forbidden',
  'internal',
  'invalid_request',
  'not_found',
  'overloaded',
  'page_expired',
  'payload_too_large',
  'rate_limited',
  'sign_in_required',
  'store_unavailable',
  'unsupported_media_type',
];

const signIn: Samples<'sign-in'> = {
  bare: { action, csrf },
  'with everything': {
    action,
    csrf,
    client,
    keep: true,
    qr,
    signUpUrl: '/interaction/abc123/sign-up',
    cancelUrl: '/interaction/abc123/cancel',
  },
  'with a logo': { action, csrf, client: clientWithLogo, qr, signUpUrl: '/sign-up' },
  ...each(['wrong', 'locked', 'busy', 'expired'] as const, (error) => [
    `error ${error}`,
    { action, csrf, client, identifier: 'li@example.com', error, qr, signUpUrl: '/sign-up' },
  ]),
  ...each(endReasons, (reason) => [
    `ended ${reason}`,
    { action, csrf, client, ended: { reason, agoMs: 3 * MINUTE }, qr, signUpUrl: '/sign-up' },
  ]),
  'replaced from a known platform': {
    action,
    csrf,
    ended: { reason: 'replaced', agoMs: DAY, platform: 'android' },
  },
  'replaced from a platform without words': {
    action,
    csrf,
    ended: { reason: 'replaced', agoMs: 90 * DAY, platform: 'smart-fridge' },
  },
  hostile: { action, csrf, client: { name: hostile }, identifier: hostile },
};

const signUpConfirm: Samples<'sign-up-confirm'> = {
  fresh: {
    action: '/sign-up/confirm',
    csrf,
    email: 'li@example.com',
    client,
    passwordLengthMin: 10,
    resendUrl: '/sign-up',
    signUpUrl: '/sign-up',
    outboxUrl: '/outbox',
  },
  resent: { action: '/sign-up/confirm', csrf, email: 'li@example.com', passwordLengthMin: 10, resent: true },
  ...each(
    [
      'wrong_code',
      'code_expired',
      'name_missing',
      'password_short',
      'password_weak',
      'busy',
      'rate_limited',
    ] as const,
    (error) => [
      `error ${error}`,
      {
        action: '/sign-up/confirm',
        csrf,
        email: 'li@example.com',
        passwordLengthMin: 10,
        error,
        code: '204816',
        name: 'Li Wei',
        resendUrl: '/sign-up',
      },
    ],
  ),
};

const deviceCode: Samples<'device-code'> = {
  fresh: { action: '/device', xsrf: csrf },
  ...each(['missing', 'unknown', 'expired', 'used', 'rate_limited', 'page_expired'] as const, (error) => [
    `error ${error}`,
    { action: '/device', xsrf: csrf, userCode: 'WDJB-MJHT', error },
  ]),
};

export const samples: { readonly [View in ViewName]: Samples<View> } = {
  'sign-in': signIn,
  'qr-continue': {
    'for an app': { action: '/interaction/abc123/qr/continue', csrf, account, client },
    plain: { action: '/interaction/abc123/qr/continue', csrf, account: { label: hostile } },
  },
  'sign-up': {
    fresh: { action: '/sign-up', csrf, client, signInUrl: action },
    ...each(['email', 'busy', 'rate_limited', 'expired'] as const, (error) => [
      `error ${error}`,
      { action: '/sign-up', csrf, email: 'li@example', error },
    ]),
  },
  'sign-up-confirm': signUpConfirm,
  consent: {
    'scopes and an API': {
      action: '/interaction/abc123/consent',
      csrf,
      client: {
        ...clientWithLogo,
        uri: 'https://mail.example',
        policyUri: 'https://mail.example/privacy',
        tosUri: 'https://mail.example/terms',
      },
      account,
      scopes: [
        { name: 'profile' },
        { name: 'email' },
        { name: 'offline_access' },
        { name: 'team:write.all' },
      ],
      resources: [
        {
          name: 'Orders',
          scopes: [
            { name: 'orders:read', words: 'Read your orders' },
            { name: 'orders:write', words: 'Place and cancel orders' },
          ],
        },
      ],
    },
    'nothing but the account': { action, csrf, client, account, scopes: [], resources: [] },
    hostile: {
      action,
      csrf,
      client: { name: hostile },
      account: { label: hostile },
      scopes: [{ name: hostile }],
      resources: [{ name: hostile, scopes: [{ name: 'x', words: hostile }] }],
    },
  },
  'device-code': deviceCode,
  'device-confirm': {
    'signed in': {
      action: '/device',
      xsrf: csrf,
      userCode: 'WDJB-MJHT',
      client: { name: 'Living-room TV' },
      requester: { browser: 'Android TV', place: 'Hangzhou', agoMs: 20_000 },
      account,
    },
    'knowing little': {
      action: '/device',
      xsrf: csrf,
      userCode: 'WDJB-MJHT',
      client,
      requester: { agoMs: 3 * MINUTE },
    },
  },
  'device-done': {
    approved: { outcome: 'approved', client: { name: 'Living-room TV' } },
    denied: { outcome: 'denied', client: { name: 'Living-room TV' } },
  },
  'sign-out': {
    'from an app': { action: '/logout/confirm', xsrf: csrf, client, account, cancelUrl: '/devices' },
    plain: { action: '/logout/confirm', xsrf: csrf },
  },
  'signed-out': {
    plain: { signInUrl: '/sign-in' },
    'from an app': { client },
  },
  devices: {
    'several devices': {
      account,
      csrf,
      sessions: [
        browser,
        phone,
        {
          ...phone,
          id: 'ses_tv',
          platform: 'tv',
          class: 'tv',
          name: 'Living-room TV',
          activeAgoMs: 26 * HOUR,
          startedBy: { how: 'code' },
          apps: [],
        },
      ],
      ended: [
        { name: 'Old laptop', class: 'desktop', reason: 'kicked', agoMs: 4 * DAY },
        { name: 'Chrome on Android', class: 'browser', reason: 'idle', agoMs: 21 * DAY },
      ],
      signOutOthersUrl: '/devices/others/end',
      notice: 'ended',
    },
    'only this one': {
      account,
      csrf,
      sessions: [browser],
      ended: [],
      signOutOthersUrl: '/devices/others/end',
      notice: 'others_ended',
    },
    'each way in and each class': {
      account,
      csrf,
      sessions: (['password', 'passkey', 'code', 'qr', 'exchange', 'client'] as const).map((how) => ({
        ...phone,
        id: `ses_${how}`,
        startedBy: { how },
      })),
      ended: (['phone', 'tablet', 'desktop', 'browser', 'mini-program', 'tv', 'server'] as const).map(
        (kind) => ({ name: kind, class: kind, reason: 'policy' as const, agoMs: DAY }),
      ),
      signOutOthersUrl: '/devices/others/end',
    },
    hostile: {
      account: { label: hostile },
      csrf,
      sessions: [{ ...phone, name: hostile, place: hostile, apps: [hostile] }],
      ended: [{ name: hostile, class: 'phone', reason: 'kicked', agoMs: 0 }],
      signOutOthersUrl: '/devices/others/end',
    },
  },
  outbox: {
    'two mails': {
      mails: [
        {
          agoMs: 5_000,
          to: 'li@example.com',
          subject: 'Your code is 204816',
          text: 'Hello,\n\nyour code is 204816. It works for 15 minutes.\n',
        },
        { agoMs: HOUR, to: hostile, subject: hostile, text: hostile },
      ],
    },
    empty: { mails: [] },
  },
  'qr-landing': { plain: {} },
  error: {
    ...each(errorCodes, (code) => [code, { code, reference: 'req_7f3a', backUrl: '/' }]),
    'for developers': {
      code: 'app_mistake',
      reference: 'req_7f3a',
      developers: {
        error: 'invalid_redirect_uri',
        description: 'redirect_uri did not match any of the registered ones',
      },
    },
    bare: { code: 'internal' },
  },
  'not-found': { plain: {}, 'with a way back': { backUrl: '/' } },
  busy: { plain: {}, 'with a retry': { retryUrl: '/sign-in' } },
  playground: playgroundSamples,
  'playground-pane': paneSamples,
};

/** Every sample with its view and name. */
export function everySample(): { view: ViewName; name: string; context: ViewContexts[ViewName] }[] {
  return Object.entries(samples).flatMap(([view, states]) =>
    Object.entries(states).map(([name, context]) => ({ view: view as ViewName, name, context })),
  );
}

function each<Item, Context>(
  items: readonly Item[],
  sampleOf: (item: Item) => [string, Context],
): Record<string, Context> {
  return Object.fromEntries(items.map(sampleOf));
}
