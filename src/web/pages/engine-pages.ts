// The pages that the protocol engine asks for: the code of a TV, signing out, and refusals that cannot be
// told to an app.
import { findAccount } from '../../accounts/account.ts';
import type { EnginePages } from '../../oidc/engine-pages.ts';
import type { EngineClient, EngineContext } from '../../oidc/engine-types.ts';
import { deviceNameFrom } from '../user-agent.ts';
import type { DeviceCodeContext } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { accountCard, clientCard, linksInOtherLanguages, showPage } from './page.ts';

type PageDeps = Pick<WebDeps, 'renderer' | 'clock' | 'clients' | 'store'>;

export function enginePages(deps: PageDeps): EnginePages {
  return {
    userCodeInput: (ctx, form) => {
      const given = form.userCode ?? userCodeOf(ctx);
      const error = form.error === undefined ? undefined : codeError(form.error);
      showPage(deps, ctx, 'device-code', {
        action: '/device',
        xsrf: form.xsrf,
        ...(given !== undefined && { userCode: given }),
        ...(error && { error }),
        languageLinks: linksInOtherLanguages(given === undefined ? {} : { user_code: given }),
      });
    },
    userCodeConfirm: async (ctx, form) => {
      const { client, deviceInfo, xsrf, userCode } = form;
      const { browser, startedAt } = requesterOf(deviceInfo);
      showPage(deps, ctx, 'device-confirm', {
        action: '/device',
        xsrf,
        userCode,
        client: await cardOf(deps, client),
        requester: {
          ...(browser !== '' && { browser }),
          agoMs: Math.max(0, deps.clock.now() - startedAt),
        },
      });
    },
    deviceDone: async (ctx) => {
      showPage(deps, ctx, 'device-done', {
        outcome: 'approved',
        client: await cardOf(deps, ctx.oidc.client),
      });
    },
    signOut: async (ctx, form) => {
      const { client, session } = ctx.oidc;
      const account = await findAccount(deps.store, session?.accountId ?? '');
      showPage(deps, ctx, 'sign-out', {
        action: '/logout/confirm',
        xsrf: form.xsrf,
        ...(client && { client: await cardOf(deps, client) }),
        ...(account && { account: accountCard(account) }),
        languageLinks: linksInOtherLanguages(wayBack(ctx)),
      });
    },
    signedOut: async (ctx) => {
      const { client } = ctx.oidc;
      showPage(deps, ctx, 'signed-out', client ? { client: await cardOf(deps, client) } : {});
    },
    error: (ctx, out) => {
      const expired =
        out.error === 'invalid_request' &&
        /session|expired|not found|could not find/.test(out.error_description ?? '');
      showPage(
        deps,
        ctx,
        'error',
        {
          code: ctx.status >= 500 ? 'internal' : expired ? 'page_expired' : 'app_mistake',
          reference: webState(ctx).requestId,
          developers: {
            error: out.error,
            ...(out.error_description !== undefined && { description: out.error_description }),
          },
        },
        ctx.status,
      );
    },
  };
}

/** What leads back to the app after signing out; the ID token that came along is not put into links. */
function wayBack({ oidc }: EngineContext): Record<string, string> {
  const { post_logout_redirect_uri: address, state } = oidc.params ?? {};
  return {
    ...(oidc.client && { client_id: oidc.client.clientId }),
    ...(typeof address === 'string' && { post_logout_redirect_uri: address }),
    ...(typeof state === 'string' && { state }),
  };
}

async function cardOf(deps: PageDeps, client: EngineClient | undefined): Promise<{ name: string }> {
  const known = client && (await deps.clients.find(client.clientId));
  return clientCard(known?.metadata, client?.clientId ?? '');
}

/** The engine's names of what was wrong with a code. */
function codeError(name: string): NonNullable<DeviceCodeContext['error']> {
  switch (name) {
    case 'NoCodeError':
      return 'missing';
    case 'ExpiredError':
      return 'expired';
    case 'AlreadyUsedError':
    case 'AbortedError':
      return 'used';
    case 'RateLimited':
      return 'rate_limited';
    case 'NotFoundError':
      return 'unknown';
    default:
      return 'page_expired';
  }
}

/** A code that came in the address (`verification_uri_complete`) is filled in and still confirmed by hand. */
function userCodeOf(ctx: EngineContext): string | undefined {
  const given = new URLSearchParams(ctx.state.userCodeQuery ?? '').get('user_code');
  return given === null ? undefined : given.slice(0, 20);
}

function requesterOf(deviceInfo: Record<string, unknown>): { browser: string; startedAt: number } {
  const { userAgent, startedAt } = deviceInfo;
  return {
    browser: typeof userAgent === 'string' ? deviceNameFrom(userAgent).name : '',
    startedAt: typeof startedAt === 'number' ? startedAt : 0,
  };
}
