// Consent: what an app of somebody else asks for, in words. Remembered in a record of its own, so that the
// next authorization is not asked again, and withdrawn apart from any session.
import type { Context } from 'koa';
import { getAccount } from '../../accounts/account.ts';
import { recordConsent } from '../../accounts/consent.ts';
import { DomainError } from '../../core/errors.ts';
import type { AccountId } from '../../core/ids.ts';
import { ownApi } from '../../oidc/apis.ts';
import { csrfValue, requireCsrf } from '../browser.ts';
import type { Interaction } from '../interaction.ts';
import { findInteraction, finishInteraction } from '../interaction.ts';
import type { ConsentContext } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { accountCard, clientCard, showPage } from './page.ts';

export async function showConsent(deps: WebDeps, ctx: Context): Promise<void> {
  const interaction = await findInteraction(deps, ctx);
  const account = await getAccount(deps.store, accountOf(interaction));
  const { client } = interaction;
  const { client_uri: uri, policy_uri: policyUri, tos_uri: tosUri } = client.metadata;
  showPage(deps, ctx, 'consent', {
    action: `/interaction/${interaction.uid}/consent`,
    csrf: csrfValue(deps, ctx),
    client: {
      ...clientCard(client.metadata, client.id),
      ...(uri !== undefined && { uri }),
      ...(policyUri !== undefined && { policyUri }),
      ...(tosUri !== undefined && { tosUri }),
    },
    account: accountCard(account),
    ...linesFor(deps, missingOf(interaction)),
  });
}

export async function postConsent(deps: WebDeps, ctx: Context): Promise<void> {
  const form = requireCsrf(deps, ctx);
  const interaction = await findInteraction(deps, ctx);
  if (interaction.prompt.name !== 'consent') throw new DomainError('invalid_request');
  if (form.get('decision') !== 'allow') {
    return finishInteraction(deps, ctx, { error: 'access_denied', error_description: 'the person refused' });
  }

  const missing = missingOf(interaction);
  await recordConsent(
    deps,
    { accountId: accountOf(interaction), clientId: interaction.client.id },
    { openid: missing.openid, resources: missing.resources, claims: [] },
  );
  await finishInteraction(deps, ctx, { consent: {} });
}

interface Missing {
  openid: string[];
  resources: Record<string, string[]>;
}

/** What the engine found not granted yet; it writes these members of the prompt. */
function missingOf({ prompt }: Interaction): Missing {
  const { missingOIDCScope, missingResourceScopes } = prompt.details as {
    missingOIDCScope?: string[];
    missingResourceScopes?: Record<string, string[]>;
  };
  return { openid: missingOIDCScope ?? [], resources: missingResourceScopes ?? {} };
}

function linesFor(deps: WebDeps, missing: Missing): Pick<ConsentContext, 'scopes' | 'resources'> {
  const resources = Object.entries(missing.resources).map(([identifier, scopes]) => {
    const api = deps.apis.find(identifier);
    // What our own API's scopes mean is said in the person's language; others bring words in one.
    const described = identifier === ownApi(deps.config.issuer) ? undefined : api?.scopes;
    return {
      name: api?.name ?? identifier,
      scopes: scopes.map((name) => {
        const words = described?.[name];
        return { name, ...(words !== undefined && { words }) };
      }),
    };
  });
  return { scopes: missing.openid.map((name) => ({ name })), resources };
}

function accountOf({ accountId }: Interaction): AccountId {
  if (accountId === undefined) throw new DomainError('sign_in_required');
  // The engine's session names an account of ours.
  return accountId as AccountId;
}
