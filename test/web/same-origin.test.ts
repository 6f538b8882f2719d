import { describe, expect, it } from 'vitest';
import { isFromElsewhere } from '../../src/web/same-origin.ts';

const issuer = 'https://id.example';

describe('isFromElsewhere', () => {
  it.each([
    ['a page of ours', { fetchSite: 'same-origin', origin: issuer }],
    ['a form of ours, whose page sends no referrer', { fetchSite: 'same-origin', origin: 'null' }],
    ['the address bar', { fetchSite: 'none', origin: '' }],
    ['an old browser that says nothing', { fetchSite: '', origin: '' }],
    ['an old browser at a form of ours', { fetchSite: '', origin: 'null' }],
    ['an old browser that says where it is', { fetchSite: '', origin: issuer }],
  ])('%s is not', (_who, request) => {
    expect(isFromElsewhere(request, issuer)).toBe(false);
  });

  it.each([
    ['a page of another site', { fetchSite: 'cross-site', origin: 'https://evil.example' }],
    ['a page of a sister domain', { fetchSite: 'same-site', origin: 'https://shop.id.example' }],
    ['a sandboxed frame', { fetchSite: 'cross-site', origin: 'null' }],
    ['an old browser at another origin', { fetchSite: '', origin: 'https://evil.example' }],
    ['the same host by http', { fetchSite: '', origin: 'http://id.example' }],
    ['a word of the future', { fetchSite: 'somewhere', origin: issuer }],
  ])('%s is', (_who, request) => {
    expect(isFromElsewhere(request, issuer)).toBe(true);
  });
});
