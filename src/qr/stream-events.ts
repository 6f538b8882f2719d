// What a waiting screen is told, as the difference between two snapshots. The id of an event is the
// transaction's version and every event carries all that its state has to say, so a screen that reconnects
// gets the present snapshot and has missed nothing. Never a token: `approved` only says "now redeem".
import type { QrSnapshot } from './viewing.ts';

/** A server-sent event; `data` is for JSON. */
export interface StreamEvent {
  readonly id: string;
  readonly event: 'code' | 'scanned' | 'approved' | 'denied' | 'cancelled' | 'expired';
  readonly data: Readonly<Record<string, string | number | boolean>>;
}

/** The events that lead from `previous` to `snapshot`; without `previous`, those that describe it. */
export function streamEvents(snapshot: QrSnapshot, previous?: QrSnapshot): readonly StreamEvent[] {
  const told = previous && eventName(previous);
  const name = eventName(snapshot);
  const sameCode = snapshot.qr?.uri === previous?.qr?.uri;
  if (told === name && (name !== 'code' || sameCode)) return [];

  return [{ id: String(snapshot.version), event: name, data: eventFields(snapshot) }];
}

/** Whether nothing more will come. */
export function isFinal(snapshot: QrSnapshot): boolean {
  return snapshot.state !== 'pending' && snapshot.state !== 'scanned' && snapshot.state !== 'approved';
}

/** How long a snapshot stays true if nobody does anything: until the code changes or the state lapses. */
export function trueForMs(snapshot: QrSnapshot): number {
  return Math.min(snapshot.qr?.rotateInMs ?? Number.POSITIVE_INFINITY, snapshot.deadlineInMs);
}

/** Identifies what a snapshot shows, for `ETag`: its version, and the generation of a code on the screen. */
export function snapshotTag(snapshot: QrSnapshot): string {
  return snapshot.qr ? `${snapshot.version}.${snapshot.qr.generation}` : String(snapshot.version);
}

/** A redemption whose answer was lost is asked for once more: so it reads as `approved`. */
function eventName(snapshot: QrSnapshot): StreamEvent['event'] {
  if (snapshot.state === 'pending') return 'code';

  return snapshot.state === 'redeemed' ? 'approved' : snapshot.state;
}

function eventFields(snapshot: QrSnapshot): StreamEvent['data'] {
  switch (snapshot.state) {
    case 'pending':
      return codeFields(snapshot);
    case 'scanned':
      return {
        expires_in_ms: snapshot.deadlineInMs,
        ...(snapshot.matchNumber !== undefined && { match_number: snapshot.matchNumber }),
      };
    case 'approved':
      return { expires_in_ms: snapshot.deadlineInMs };
    case 'expired':
      return { can_refresh: true };
    case 'redeemed':
    case 'denied':
    case 'cancelled':
      return {};
  }
}

function codeFields({ qr, deadlineInMs }: QrSnapshot): StreamEvent['data'] {
  if (!qr) return { deadline_in_ms: deadlineInMs };

  return {
    qr_uri: qr.uri,
    generation: qr.generation,
    rotate_in_ms: qr.rotateInMs,
    expires_in_ms: qr.expiresInMs,
    deadline_in_ms: deadlineInMs,
  };
}
