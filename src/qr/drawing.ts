// The QR symbol as SVG. Always dark on white with its quiet zone, also on a dark page: many scanners do not
// read inverted symbols, and none finds one without a margin.
import { renderSVG } from 'uqr';

/** ISO/IEC 18004 asks for four modules. */
const QUIET_ZONE = 4;

/** An `<svg>` without script, style or size; the page sizes it and gives it its label. */
export function drawQr(text: string): string {
  return renderSVG(text, {
    ecc: 'M',
    border: QUIET_ZONE,
    pixelSize: 1,
    whiteColor: '#ffffff',
    blackColor: '#000000',
  });
}
