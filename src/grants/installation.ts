// The same installation of an app is the same device: a sign-in that names it supersedes the one before it.
// The name is the app's own and is compared only within one account and client, so that it tells nobody
// anything and nobody can end another app's session by it.
import { errors } from 'oidc-provider';
import { digest } from '../core/secrets.ts';
import type { PendingSession, SessionPlan } from './one-time-codes.ts';

const LENGTH_MAX = 128;

/** What the request says about its installation; throws `invalid_request` where that cannot be one. */
export function installationOf(params: Record<string, unknown> | undefined): string | undefined {
  const given = params?.installation_id;
  if (given === undefined || given === null || given === '') return undefined;

  checkInstallation(given);
  return given;
}

/** For requests in which it stands. */
export function checkInstallation(given: unknown): asserts given is string {
  if (typeof given !== 'string' || given.length > LENGTH_MAX) {
    throw new errors.InvalidRequest(`installation_id must have at most ${LENGTH_MAX} characters`);
  }
}

/** The members of a pending session that make the device known again. */
export function knownInstallation(
  clientId: string,
  installationId: string | undefined,
): Pick<PendingSession, 'deviceKey'> {
  return installationId === undefined ? {} : { deviceKey: digest('installation', clientId, installationId) };
}

/** The plan for a redemption that names its installation, as it may do at the token endpoint as well. */
export function planWithInstallation(
  plan: SessionPlan,
  clientId: string,
  installationId: string | undefined,
): SessionPlan {
  if (plan.kind !== 'start' || installationId === undefined) return plan;

  const { pending } = plan;
  const device = { ...pending.device, installationId };
  return { ...plan, pending: { ...pending, device, ...knownInstallation(clientId, installationId) } };
}
