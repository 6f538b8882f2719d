// Headers of every answer. Pages run no inline script, load nothing from elsewhere and are shown in no
// frame; the playground of the development profile shows them in frames of the same origin.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';
import type { Context, Next } from 'koa';
import type { Config } from '../../config/schema.ts';

export function securityHeaders(config: Pick<Config, 'playground' | 'issuer'>) {
  const ancestors = config.playground ? "'self'" : "'none'";
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        // `form-action` is left out: Chromium applies it to the redirect back to the client as well.
        baseUri: ["'none'"],
        connectSrc: ["'self'"],
        frameAncestors: [ancestors],
        imgSrc: ["'self'", 'data:'],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        ...(config.playground && { frameSrc: ["'self'"] }),
      },
    },
    crossOriginEmbedderPolicy: false,
    // Public clients in other origins call the token endpoint; the engine's CORS decides which.
    crossOriginResourcePolicy: false,
    // Sign-in windows that an app opens must be able to lead back to it.
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: config.issuer.startsWith('https:'),
    xFrameOptions: config.playground ? { action: 'sameorigin' } : { action: 'deny' },
  });

  const headers = headersOf(protect);

  return async function addSecurityHeaders(ctx: Context, next: Next): Promise<void> {
    for (const [name, value] of headers) ctx.res.setHeader(name, value);
    await next();
  };
}

/** They are the same for every answer, so helmet is asked once. */
function headersOf(protect: ReturnType<typeof helmet>): [name: string, value: string][] {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  protect(response.req, response, (error?: unknown) => {
    if (error) throw error;
  });
  return Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]);
}
