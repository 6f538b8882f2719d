import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientAddress, networkPrefix, parseTrustedProxies } from '../../src/protection/address.ts';

const seed = 20_260_102;
const proxies = parseTrustedProxies(['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.7']);

describe('clientAddress', () => {
  it.each([
    ['no header', '203.0.113.9', undefined, '203.0.113.9'],
    ['a header from a peer that is no proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['a header from a trusted peer', '10.1.1.1', '198.51.100.1', '198.51.100.1'],
    ['what the client put in front', '10.1.1.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['two trusted proxies in a row', '10.1.1.1', '198.51.100.1, 192.0.2.7', '198.51.100.1'],
    ['a trusted address behind an untrusted one', '10.1.1.1', '10.2.2.2, 198.51.100.1', '198.51.100.1'],
    ['only trusted addresses', '10.1.1.1', '10.3.3.3, 10.2.2.2', '10.3.3.3'],
    ['garbage where the proxy wrote', '10.1.1.1', '198.51.100.1, unknown', '10.1.1.1'],
    ['an empty header', '10.1.1.1', '', '10.1.1.1'],
    ['an empty element', '10.1.1.1', '198.51.100.1, ,', '10.1.1.1'],
    ['shortened IPv4', '10.1.1.1', '127.1', '10.1.1.1'],
    ['octal IPv4', '10.1.1.1', '0177.0.0.1', '10.1.1.1'],
    ['an IPv4 address with its port', '10.1.1.1', '198.51.100.1:5123', '198.51.100.1'],
    ['an IPv6 address with its port', '10.1.1.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['an IPv4 peer on a dual-stack socket', '::ffff:10.1.1.1', '198.51.100.1', '198.51.100.1'],
    ['a mapped client address', '10.1.1.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['a trusted IPv6 peer', '2001:db8:ffff::1', '198.51.100.1', '198.51.100.1'],
    ['an IPv6 peer that only looks alike', '2001:db8:fffe::1', '198.51.100.1', '2001:db8:fffe::1'],
    ['a peer with a zone', 'fe80::1%eth0', undefined, 'fe80::1'],
    ['IPv6 in another spelling', '2001:0DB8:0:0::0001', undefined, '2001:db8::1'],
    ['a peer that is no address', '/run/strata.sock', '198.51.100.1', '/run/strata.sock'],
  ])('reads %s', (_name, peer, forwardedFor, expected) => {
    const connection = forwardedFor === undefined ? { peer } : { peer, forwardedFor };

    expect(clientAddress(connection, proxies)).toBe(expected);
  });

  it('gives the same answer whatever a client writes in front of what the proxy appends', () => {
    const client = '198.51.100.77';
    const invented = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('10.0.0.1', '192.0.2.7', ',,,'),
    );
    fc.assert(
      fc.property(fc.array(invented, { maxLength: 30 }), (lies) => {
        const forwardedFor = [...lies, client].join(', ');
        expect(clientAddress({ peer: '10.0.0.2', forwardedFor }, proxies)).toBe(client);
      }),
      { seed },
    );
  });

  it('believes nobody when no proxy is trusted', () => {
    fc.assert(
      fc.property(fc.string(), (forwardedFor) => {
        expect(clientAddress({ peer: '203.0.113.9', forwardedFor }, [])).toBe('203.0.113.9');
      }),
      { seed },
    );
  });

  it('ends the walk after so many hops as no real network has (I12)', () => {
    const forwardedFor = ['198.51.100.1', ...Array.from({ length: 10_000 }, () => '10.9.9.9')].join(',');

    expect(clientAddress({ peer: '10.0.0.2', forwardedFor }, proxies)).toBe('10.9.9.9');
  });
});

describe('networkPrefix', () => {
  it.each([
    ['198.51.100.1', '198.51.100.1/32'],
    ['::ffff:198.51.100.1', '198.51.100.1/32'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
    ['/run/strata.sock', '/run/strata.sock'],
  ])('counts %s under %s', (address, network) => {
    expect(networkPrefix(address)).toBe(network);
  });

  it('can be coarser', () => {
    const coarse = { ipv4: 20, ipv6: 48 };

    expect(networkPrefix('198.51.111.200', coarse)).toBe('198.51.96.0/20');
    expect(networkPrefix('2001:db8:1:2::9', coarse)).toBe('2001:db8:1::/48');
  });
});

describe('parseTrustedProxies', () => {
  it.each([
    'nowhere',
    '10.0.0.0/33',
    '10.0.0/8',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/9',
    '',
    '::ffff:10.0.0.0/8',
  ])('refuses "%s" by name', (entry) => {
    expect(() => parseTrustedProxies(['127.0.0.1', entry])).toThrow(`"${entry}" is neither`);
  });

  it('reads a mapped range as the IPv4 range that it is', () => {
    const trusted = parseTrustedProxies(['::ffff:10.0.0.0/104']);

    expect(clientAddress({ peer: '10.200.0.1', forwardedFor: '198.51.100.1' }, trusted)).toBe('198.51.100.1');
  });

  it('takes a bare address for that address alone', () => {
    const trusted = parseTrustedProxies(['::1']);

    expect(clientAddress({ peer: '::1', forwardedFor: '198.51.100.1' }, trusted)).toBe('198.51.100.1');
    expect(clientAddress({ peer: '::2', forwardedFor: '198.51.100.1' }, trusted)).toBe('::2');
  });
});
