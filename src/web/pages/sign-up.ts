// Signing up by e-mail, in two pages. The first answers "check your mail" whatever the address (I10); the
// second takes the code from the mail, a name and a password, and goes on as signed in.
import type { Context } from 'koa';
import type { SignUpDeps, SignUpOutcome } from '../../accounts/sign-up.ts';
import { confirmSignUp, requestSignUp } from '../../accounts/sign-up.ts';
import { DomainError } from '../../core/errors.ts';
import { browserSecret, csrfValue, requireCsrf } from '../browser.ts';
import type { Interaction } from '../interaction.ts';
import { findInteraction } from '../interaction.ts';
import type { SignUpConfirmContext, SignUpContext } from '../views.ts';
import type { WebDeps } from '../web-deps.ts';
import { webState } from '../web-state.ts';
import { askingApp, showPage } from './page.ts';
import { completeWithPassword } from './sign-in.ts';

export async function showSignUp(deps: WebDeps, ctx: Context): Promise<void> {
  requireSignUp(deps);
  const interaction = await findInteraction(deps, ctx);
  showPage(deps, ctx, 'sign-up', signUpContext(deps, ctx, interaction));
}

export async function postSignUp(deps: WebDeps, ctx: Context): Promise<void> {
  const signUp = requireSignUp(deps);
  const form = requireCsrf(deps, ctx);
  const interaction = await findInteraction(deps, ctx);
  const email = form.get('email') ?? '';
  const outcome = await requestSignUp(signUp, {
    email,
    language: webState(ctx).language(),
    binding: browserSecret(deps, ctx),
    address: webState(ctx).address,
  });

  const context = { ...signUpContext(deps, ctx, interaction), email };
  switch (outcome.kind) {
    case 'check_your_mail':
      return showPage(deps, ctx, 'sign-up-confirm', {
        ...confirmContext(deps, ctx, interaction, email),
        ...(form.has('resend') && { resent: true }),
      });
    case 'invalid_email':
      return showPage(deps, ctx, 'sign-up', { ...context, error: 'email' }, 400);
    case 'limited':
      ctx.set('retry-after', String(outcome.retryAfterSeconds));
      return showPage(deps, ctx, 'sign-up', { ...context, error: 'rate_limited' }, 429);
  }
}

export async function postSignUpConfirm(deps: WebDeps, ctx: Context): Promise<void> {
  const signUp = requireSignUp(deps);
  const form = requireCsrf(deps, ctx);
  const interaction = await findInteraction(deps, ctx);
  const email = form.get('email') ?? '';
  const outcome = await confirmSignUp(signUp, {
    email,
    code: form.get('code') ?? '',
    name: form.get('name') ?? '',
    password: form.get('password') ?? '',
    binding: browserSecret(deps, ctx),
  });

  if (outcome.kind === 'created') {
    return completeWithPassword(deps, ctx, interaction, { ...outcome, identifier: email });
  }
  const context = {
    ...confirmContext(deps, ctx, interaction, email),
    code: form.get('code') ?? '',
    name: form.get('name') ?? '',
  };
  showPage(deps, ctx, 'sign-up-confirm', { ...context, error: errorOf(outcome) }, 400);
}

type Refusal = Exclude<SignUpOutcome, { kind: 'created' }>;

function errorOf(outcome: Refusal): NonNullable<SignUpConfirmContext['error']> {
  switch (outcome.kind) {
    case 'wrong_code':
      return 'wrong_code';
    case 'expired':
    case 'already_registered':
    case 'too_many':
      return 'code_expired';
    case 'invalid_name':
      return 'name_missing';
    case 'weak_password':
      return outcome.complaint === 'too_short' ? 'password_short' : 'password_weak';
  }
}

function requireSignUp(deps: WebDeps): SignUpDeps {
  if (!deps.signUp) throw new DomainError('not_found');
  return deps.signUp;
}

function signUpContext(deps: WebDeps, ctx: Context, interaction: Interaction): SignUpContext {
  const base = `/interaction/${interaction.uid}`;
  return {
    action: `${base}/sign-up`,
    csrf: csrfValue(deps, ctx),
    ...askingApp(interaction.client),
    signInUrl: base,
  };
}

function confirmContext(
  deps: WebDeps,
  ctx: Context,
  interaction: Interaction,
  email: string,
): SignUpConfirmContext {
  const base = `/interaction/${interaction.uid}`;
  return {
    action: `${base}/sign-up/confirm`,
    csrf: csrfValue(deps, ctx),
    email,
    ...askingApp(interaction.client),
    passwordLengthMin: deps.config.passwords.lengthMin,
    resendUrl: `${base}/sign-up`,
    signUpUrl: `${base}/sign-up`,
    ...(deps.outbox && { outboxUrl: '/outbox' }),
  };
}
