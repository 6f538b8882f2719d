// The two directions of QR sign-in, as data: one engine serves both and asks this table who is who.

/** `map`: a signed-in phone lets a screen in. `pam`: a signed-in screen lets a phone in. */
export type QrDirection = 'map' | 'pam';

/** The grantor is signed in already and lets the grantee in. */
export type QrRole = 'grantor' | 'grantee';

export interface DirectionRules {
  /** Segment of the address inside the QR: `/q/m/…`, `/q/p/…`. */
  readonly path: string;
  /** Who opens the transaction and shows the QR. */
  readonly displayer: QrRole;
  /** Who reads it. */
  readonly scanner: QrRole;
}

export const directions: Readonly<Record<QrDirection, DirectionRules>> = {
  map: { path: 'm', displayer: 'grantee', scanner: 'grantor' },
  pam: { path: 'p', displayer: 'grantor', scanner: 'grantee' },
};

/**
 * The text inside the QR. The code rides in the fragment, which browsers send to nobody: no log, Referer or
 * preview sees it.
 */
export function qrPayload(issuer: string, qr: { direction: QrDirection; id: string; code: string }): string {
  return `${issuer}/q/${directions[qr.direction].path}/${qr.id}#${qr.code}`;
}
