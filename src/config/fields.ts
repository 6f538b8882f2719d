// The kinds of value that several sections share, each with the words that say what it has to look like.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { formatDuration, parseDuration } from './durations.ts';

/** How a bound or default is written: as in the file. */
type Written = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A duration within bounds; milliseconds after parsing. */
export function duration(bounds: { min: Written; max: Written }) {
  const min = parseDuration(bounds.min) ?? 0;
  const max = parseDuration(bounds.max) ?? Number.MAX_SAFE_INTEGER;
  const words = `must be a duration from ${bounds.min} to ${bounds.max}, such as ${formatDuration(min)}`;

  return z.string(words).transform((text, context): number => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= min && ms <= max) return ms;

    context.issues.push({ code: 'custom', message: words, input: text });
    return z.NEVER;
  });
}

/** A whole number within bounds. */
export function count(bounds: { min: number; max: number }) {
  const words = `must be a whole number from ${bounds.min} to ${bounds.max}`;
  return z.int(words).min(bounds.min, words).max(bounds.max, words);
}

/** Text that is not empty, of at most `max` characters. */
export function words(max: number) {
  return z.string().min(1).max(max);
}

/** RFC 6749 §3.3: printable ASCII without space, `"` and `\`. */
export const scopeName = z
  .string()
  .max(128)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope: printable ASCII without space, quote or backslash');

/** RFC 8707 §2: an absolute URI without a fragment. */
export const resourceIdentifier = z
  .string()
  .max(512)
  .refine(
    isResourceIdentifier,
    'must be an absolute URI without a fragment, such as https://api.example.com',
  );

/** An address that we call: https, or http to this machine alone, since secrets and claims travel there. */
export const outboundUrl = z.string().refine(isSecureUrl, 'must be an https URL (http only to this machine)');

/** An IP address or a range of them in CIDR notation. */
export const addressRange = z
  .string()
  .refine(isAddressRange, 'must be an IP address or a range such as 10.0.0.0/8')
  .refine((text) => !isWholeInternet(text), 'trusts every address there is: anybody could claim any address');

/** Whether the URL leads to this machine without leaving it. */
export function isLoopback(url: URL): boolean {
  return isLoopbackHost(url.hostname);
}

/** The same of a host's name or address, in URLs or by itself. */
export function isLoopbackHost(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || /^127(\.\d{1,3}){3}$/.test(host);
}

function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

function isResourceIdentifier(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(text) && !text.includes('#') && URL.canParse(text);
}

/** Strict IPv4 notation only: `127.1` and `0x7f.1` mean different things to different programs. */
function isAddressRange(text: string): boolean {
  return (
    ipaddr.IPv4.isValidFourPartDecimal(text) ||
    ipaddr.IPv4.isValidCIDRFourPartDecimal(text) ||
    ipaddr.IPv6.isValid(text) ||
    ipaddr.IPv6.isValidCIDR(text)
  );
}

function isWholeInternet(text: string): boolean {
  return /\/0+$/.test(text);
}
