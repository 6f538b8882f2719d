// What an authentication is worth, in the words of OpenID Connect: `acr` (the level) and `amr` (the means,
// RFC 8176). The levels are ordered: each includes those before it.

/** One factor: a password, or a QR sign-in that another device of the same level let in. */
export const acrSingleFactor = 'urn:strata:acr:1';
/** Two factors of different kinds, or a passkey that verified its user. */
export const acrMultiFactor = 'urn:strata:acr:2';

/** From the lowest to the highest; what discovery lists as `acr_values_supported`. */
export const acrLevels: readonly string[] = [acrSingleFactor, acrMultiFactor];

/** The lower of two levels; one that is not of the list counts as below all. */
export function lowerAcr(one: string, other: string): string {
  return acrLevels.indexOf(one) <= acrLevels.indexOf(other) ? one : other;
}

/** An authentication that has just happened. */
export interface FreshAuthentication {
  /** Seconds since the epoch, as `auth_time`. */
  readonly time: number;
  readonly acr: string;
  readonly amr: string[];
  /** The same moment in milliseconds. */
  readonly at: number;
}

export function passwordAuthentication(at: number): FreshAuthentication {
  return { time: Math.floor(at / 1000), acr: acrSingleFactor, amr: ['pwd'], at };
}
