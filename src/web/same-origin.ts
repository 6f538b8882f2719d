// Whether a request that rides on our cookies was made by a page of ours. A second line behind the CSRF value
// of forms: what a page of another origin causes is told apart by headers that no script can set.

export interface RequestOrigin {
  /** `Sec-Fetch-Site`; empty where the browser does not send it. */
  readonly fetchSite: string;
  /** `Origin`; empty where there is none, `null` in forms of pages without a referrer, as ours are. */
  readonly origin: string;
}

export function isFromElsewhere({ fetchSite, origin }: RequestOrigin, issuer: string): boolean {
  // `none`: the person opened it, by a bookmark or the address bar.
  if (fetchSite !== '') return fetchSite !== 'same-origin' && fetchSite !== 'none';

  return origin !== '' && origin !== 'null' && origin !== issuer;
}

export function requestOrigin(ctx: { get(name: string): string }): RequestOrigin {
  return { fetchSite: ctx.get('sec-fetch-site'), origin: ctx.get('origin') };
}
