// When a person is asked: to sign in, or to consent. To the engine's own checks come that of a browser whose
// device session has ended, so that the page can say why; away goes the one that asks users of native apps
// for consent at each sign-in.
import type { KoaContextWithOIDC } from 'oidc-provider';
import { interactionPolicy } from 'oidc-provider';
import { requestState } from '../grants/request-state.ts';

export function strataInteractionPolicy() {
  const policy = interactionPolicy.base();
  policy.get('login')?.checks.add(
    new interactionPolicy.Check(
      'device_session_ended',
      'the session on this device has ended',
      'login_required',
      hasEnded,
      (ctx) => {
        const { endedSession } = requestState(ctx);
        return endedSession ? { ended: { ...endedSession.end, platform: endedSession.platform } } : {};
      },
    ),
    0,
  );
  policy.get('consent')?.checks.remove('native_client_prompt');
  return policy;
}

/** Signed out because its session ended, and not signed in again since. */
function hasEnded(ctx: KoaContextWithOIDC): boolean {
  return requestState(ctx).endedSession !== undefined && ctx.oidc.session?.accountId === undefined;
}
