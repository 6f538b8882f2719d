import jsqr from 'jsqr';
import { describe, expect, it } from 'vitest';
import { qrPayload } from '../../src/qr/direction.ts';
import { drawQr } from '../../src/qr/drawing.ts';

const LONGEST_ISSUER = `https://${'a'.repeat(39)}.example/oidc`;
const payload = qrPayload(LONGEST_ISSUER, {
  direction: 'map',
  id: 'AbCdEfGh_-123456',
  code: 'abcdefghijklmnopqrstuv',
});

/** Paints the modules of the SVG, `scale` pixels each. */
function rasterise(svg: string, scale: number): { pixels: Uint8ClampedArray; size: number; modules: number } {
  const modules = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const size = modules * scale;
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  for (const [, x, y] of svg.matchAll(/M(\d+),(\d+)h1v1h-1z/g)) {
    paint({ left: Number(x) * scale, top: Number(y) * scale });
  }
  return { pixels, size, modules };

  function paint({ left, top }: { left: number; top: number }): void {
    for (let row = top; row < top + scale; row += 1) {
      for (let column = left; column < left + scale; column += 1) {
        pixels.fill(0, (row * size + column) * 4, (row * size + column) * 4 + 3);
      }
    }
  }
}

// jsqr is a CommonJS module whose function the types put one level too high.
const decode = jsqr as unknown as typeof jsqr.default;

describe('drawQr', () => {
  it('fits into version 6 at level M for an issuer of 60 characters', () => {
    const { modules } = rasterise(drawQr(payload), 1);

    expect(LONGEST_ISSUER).toHaveLength(60);
    expect(modules).toBeLessThanOrEqual(6 * 4 + 17 + 2 * 4);
  });

  it('is read back by a decoder', () => {
    const { pixels, size } = rasterise(drawQr(payload), 4);

    const read = decode(pixels, size, size);

    expect(read?.data).toBe(payload);
    expect(read?.version).toBeLessThanOrEqual(6);
  });

  it('is dark on white with a quiet zone of four modules, without script, style or size', () => {
    const svg = drawQr(payload);
    const columns = [...svg.matchAll(/M(\d+),(\d+)h/g)].flatMap(([, x, y]) => [Number(x), Number(y)]);

    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+">/);
    expect(svg).toContain('<rect fill="#ffffff"');
    expect(Math.min(...columns)).toBe(4);
    expect(svg).not.toMatch(/style|script|on\w+=/);
  });
});
