import { describe, expect, it } from 'vitest';
import { createWords } from '../../src/web/words.ts';

const MINUTE = 60_000;
const words = createWords({ strict: true });

describe('ago', () => {
  it.each([
    [0, 'just now', '刚刚'],
    [59_999, 'just now', '刚刚'],
    [MINUTE, '1 minute ago', '1 分钟前'],
    [59 * MINUTE, '59 minutes ago', '59 分钟前'],
    [119 * MINUTE, '1 hour ago', '1 小时前'],
    [25 * 60 * MINUTE, 'yesterday', '昨天'],
    [40 * 1440 * MINUTE, '40 days ago', '40 天前'],
    [90 * 1440 * MINUTE, '3 months ago', '3 个月前'],
    [-5_000, 'just now', '刚刚'],
  ])('says how long ago %d ms are', (ms, en, zh) => {
    expect(words.en.ago(ms)).toBe(en);
    expect(words.zh.ago(ms)).toBe(zh);
  });
});

describe('platform', () => {
  it('says what people call a platform, and shows the name of one it has no words for', () => {
    expect(words.zh.platform('android-pad')).toBe('安卓平板');
    expect(words.en.platform('smart-fridge')).toBe('smart-fridge');
  });
});

describe('scope', () => {
  it('takes the words of the API first, then our own, then the name', () => {
    expect(words.en.scope({ name: 'profile', words: 'Read your card' })).toBe('Read your card');
    expect(words.en.scope({ name: 'profile' })).toBe('See your name and picture');
    expect(words.en.scope({ name: 'qr:approve' })).toBe('Let other devices sign in when you scan their code');
    expect(words.en.scope({ name: 'orders.read' })).toBe('orders.read');
  });
});

describe('t', () => {
  it('fills in what it is given as it is, since the views escape it', () => {
    expect(words.en.t('common.back_to', { client: '<b>&' })).toBe('Back to <b>&');
  });

  it('does not fill in what a name asks it to', () => {
    expect(words.en.t('common.back_to', { client: '$t(errors.csrf.title) {{reference}}' })).toBe(
      'Back to $t(errors.csrf.title) {{reference}}',
    );
  });

  it('throws on a key without words where it is strict, and shows the key elsewhere', () => {
    expect(() => words.en.t('no.such.key')).toThrow('no.such.key');
    expect(createWords({ strict: false }).en.t('no.such.key')).toBe('no.such.key');
  });
});
