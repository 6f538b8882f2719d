// The requester of a QR sign-in, as the server sees it; nothing of it is the client's to say (M7).
import type { Context } from 'koa';
import { networkPrefix } from '../protection/address.ts';
import type { Requester } from '../qr/transaction.ts';
import { deviceNameFrom } from './user-agent.ts';
import { webState } from './web-state.ts';

/** Short enough not to name a household, long enough to tell whether two devices sit in one network. */
const PREFIX_BITS = { ipv4: 24, ipv6: 48 };

export function requesterOf(ctx: Context): Requester {
  const { browser, os } = deviceNameFrom(ctx.get('user-agent'));
  return {
    ...(browser !== undefined && { browser }),
    ...(os !== undefined && { os }),
    addressPrefix: addressPrefixOf(ctx),
  };
}

export function addressPrefixOf(ctx: Context): string {
  return networkPrefix(webState(ctx).address, PREFIX_BITS);
}
