import { describe, expect, it } from 'vitest';
import { applyChange, bodyOf, valueAt } from '../../src/storage/body.ts';

describe('applyChange', () => {
  it('defines a key named __proto__ and leaves the prototype alone', () => {
    const body = bodyOf('{}');

    applyChange(body, [['__proto__', 'admin'], 'true']);

    expect(JSON.stringify(body)).toBe('{"__proto__":{"admin":true}}');
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    expect('admin' in {}).toBe(false);
  });

  it.each(['constructor', 'toString', '__proto__'])('makes %s where only the prototype has it', (key) => {
    const body = bodyOf('{}');

    applyChange(body, [[key, 'prototype', 'x'], '1']);

    expect(JSON.stringify(body)).toBe(`{"${key}":{"prototype":{"x":1}}}`);
    expect('x' in {}).toBe(false);
  });

  it('removes nothing but its own', () => {
    const body = bodyOf('{"a":{"b":1},"list":[1,2]}');

    applyChange(body, [['toString']]);
    applyChange(body, [['a', 'b', 'c']]);
    applyChange(body, [['list', '0']]);
    applyChange(body, [['a', 'b']]);

    expect(JSON.stringify(body)).toBe('{"a":{},"list":[1,2]}');
    expect(body.toString).toBeTypeOf('function');
  });

  it.each([
    ['a text', '{"a":"text"}'],
    ['a number', '{"a":0}'],
    ['null', '{"a":null}'],
    ['a list', '{"a":[{}]}'],
  ])('refuses a path through %s', (_, json) => {
    expect(() => applyChange(bodyOf(json), [['a', '0'], '1'])).toThrow('no object');
  });
});

describe('valueAt', () => {
  const body = bodyOf('{"a":{"b":[1]},"text":"abc","none":null}');

  it.each([
    [['a', 'b'], [1]],
    [['none'], null],
    [[], body],
  ])('finds %j', (path, value) => {
    expect(valueAt(body, path)).toEqual(value);
  });

  it.each([
    [['a', 'c']],
    [['a', 'b', '0']],
    [['text', 'length']],
    [['none', 'x']],
    [['constructor']],
    [['__proto__']],
  ])('finds nothing at %j', (path) => {
    expect(valueAt(body, path)).toBeUndefined();
  });
});
