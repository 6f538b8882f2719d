// The development profile's mailbox: the mails that would have been sent.
import type { Context } from 'koa';
import { DomainError } from '../../core/errors.ts';
import type { WebDeps } from '../web-deps.ts';
import { showPage } from './page.ts';

export function showOutbox(deps: WebDeps, ctx: Context): void {
  if (!deps.outbox) throw new DomainError('not_found');

  const now = deps.clock.now();
  const mails = deps.outbox.list().map(({ sentAt, to, subject, text }) => ({
    agoMs: Math.max(0, now - sentAt),
    to,
    subject,
    text,
  }));
  showPage(deps, ctx, 'outbox', { mails });
}
