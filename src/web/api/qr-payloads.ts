// What QR sign-in looks like on the wire. All times are what remains, in milliseconds (`…_ms`) or, where
// OAuth says so, in seconds (`expires_in`, `interval`): the clock of a device does not matter.
import { drawQr } from '../../qr/drawing.ts';
import type { Scanned } from '../../qr/scanning.ts';
import type { StreamEvent } from '../../qr/stream-events.ts';
import { streamEvents } from '../../qr/stream-events.ts';
import type { QrSnapshot } from '../../qr/viewing.ts';
import type { WireEvent } from '../event-stream.ts';

/** The path of a transaction in the JSON API. */
export function transactionPath(id: string): string {
  return `/api/qr/transactions/${id}`;
}

/** The answer to who opened a transaction; `base` leads the addresses, empty for a page of this origin. */
export function openedPayload(snapshot: QrSnapshot, options: { base: string; intervalMs: number }) {
  const poll = `${options.base}${transactionPath(snapshot.id)}`;
  return {
    transaction_id: snapshot.id,
    ...stateFields(snapshot),
    expires_in: Math.ceil(snapshot.deadlineInMs / 1000),
    interval: options.intervalMs / 1000,
    events_uri: `${poll}/events`,
    poll_uri: poll,
  };
}

/** The answer to who polls: the state with the fields of its event. */
export function statePayload(snapshot: QrSnapshot) {
  return {
    transaction_id: snapshot.id,
    state: snapshot.state,
    ...stateFields(snapshot),
    ...(snapshot.account && { account: snapshot.account }),
  };
}

/** An event with the symbol drawn, so that no client needs to know how. */
export function wireEvent({ id, event, data }: StreamEvent): WireEvent {
  return { id, event, data: { ...data, ...drawn(data.qr_uri) } };
}

/** What the grantor is asked to decide on. `clientName` and `scopes` are what the client is registered with. */
export function scannedPayload(
  { id, request, handshake }: Extract<Scanned, { role: 'grantor' }>,
  clientName: string,
) {
  const { requester } = request;
  return {
    transaction_id: id,
    handshake,
    request: {
      client: { id: request.clientId, name: clientName },
      scopes: request.scope.split(' '),
      requester: {
        ...(requester.browser !== undefined && { browser: requester.browser }),
        ...(requester.os !== undefined && { os: requester.os }),
        ...(requester.place !== undefined && { place: requester.place }),
        ...(request.networkMatch !== undefined && { network_match: request.networkMatch }),
      },
      created_ago_ms: request.createdAgoMs,
    },
    confirm: request.confirm,
    expires_in_ms: request.expiresInMs,
  };
}

function stateFields(snapshot: QrSnapshot): Record<string, unknown> {
  const [event] = streamEvents(snapshot);
  return { deadline_in_ms: snapshot.deadlineInMs, ...event?.data, ...drawn(event?.data.qr_uri) };
}

function drawn(uri: unknown): { qr_svg?: string } {
  return typeof uri === 'string' ? { qr_svg: drawQr(uri) } : {};
}
