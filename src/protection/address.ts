// Where a request comes from. `X-Forwarded-For` is written by anyone; only what a trusted proxy appended to
// it counts. So the list is walked from its right end, from the connection's own address towards the client,
// and stops at the first address that is no trusted proxy: everything left of it is the client's invention.
import ipaddr from 'ipaddr.js';

type Ip = ipaddr.IPv4 | ipaddr.IPv6;

/** Networks whose `X-Forwarded-For` is believed. */
export type TrustedProxies = readonly (readonly [network: Ip, bits: number])[];

export interface Connection {
  /** The address of the socket's other end. */
  readonly peer: string;
  /** The `X-Forwarded-For` header, several of them joined by commas. */
  readonly forwardedFor?: string;
}

/** More proxies than this in a row is no real network; the walk ends there (I12). */
const HOPS_MAX = 16;
const IPV4_MAPPED_BITS = 96;

/** Parses addresses and CIDR ranges; throws a `TypeError` that names the first entry that is neither. */
export function parseTrustedProxies(entries: readonly string[]): TrustedProxies {
  return entries.map((entry) => {
    const range = parseRange(entry.trim());
    if (!range) throw new TypeError(`"${entry}" is neither an IP address nor a CIDR range`);
    return range;
  });
}

/** The client's address in canonical form; the peer's own text if even that is no address. */
export function clientAddress(connection: Connection, trusted: TrustedProxies): string {
  const peer = parseAddress(connection.peer);
  if (!peer) return connection.peer;

  let client = peer;
  for (const hop of hopsFromNearest(connection.forwardedFor)) {
    if (!isTrusted(client, trusted)) break;
    const next = parseAddress(hop);
    if (!next) break;
    client = next;
  }
  return client.toString();
}

/**
 * The network that an address is counted under: who has one IPv6 address has its whole /64, so limits go by
 * that, and by the single address on IPv4. Something that is no address stands for itself.
 */
export function networkPrefix(address: string, bits = { ipv4: 32, ipv6: 64 }): string {
  const ip = parseAddress(address);
  if (!ip) return address;

  const length = bits[ip.kind()];
  const bytes = ip.toByteArray().map((byte, index) => byte & maskOfByte(length - index * 8));
  return `${ipaddr.fromByteArray(bytes).toString()}/${length}`;
}

function hopsFromNearest(forwardedFor: string | undefined): string[] {
  if (forwardedFor === undefined) return [];

  return forwardedFor.split(',').slice(-HOPS_MAX).reverse();
}

function isTrusted(address: Ip, trusted: TrustedProxies): boolean {
  return trusted.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
}

/**
 * Strict: four decimal parts or IPv6, perhaps with the port that some proxies add. The library would take
 * `127.1` and octal parts too, which other software on the way reads differently.
 */
function parseAddress(text: string): Ip | undefined {
  const bare = withoutPort(text.trim());
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  if (!ipaddr.IPv6.isValid(bare)) return undefined;

  const ip = ipaddr.IPv6.parse(bare);
  delete ip.zoneId;
  return ip.isIPv4MappedAddress() ? ip.toIPv4Address() : ip;
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text);
  if (bracketed?.[1] !== undefined) return bracketed[1];

  return text.replace(/^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/, '$1');
}

function parseRange(entry: string): readonly [Ip, number] | undefined {
  const [address = '', bits, ...rest] = entry.split('/');
  const ip = parseAddress(address);
  if (!ip || rest.length > 0) return undefined;

  const widest = ip.toByteArray().length * 8;
  if (bits === undefined) return [ip, widest];
  if (!/^\d{1,3}$/.test(bits)) return undefined;

  const mapped = ip.kind() === 'ipv4' && address.includes(':') ? IPV4_MAPPED_BITS : 0;
  const length = Number(bits) - mapped;
  return length >= 0 && length <= widest ? [ip, length] : undefined;
}

/** The mask of a byte of which `bits` bits, counted from the highest, belong to the network. */
function maskOfByte(bits: number): number {
  if (bits >= 8) return 0xff;

  return bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;
}
