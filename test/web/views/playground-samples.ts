// Samples of the playground's views. Its words are part of the context, so each language is a sample.
import { playgroundWords } from '../../../src/web/playground-words.ts';
import type { PlaygroundContext, PlaygroundPaneContext } from '../../../src/web/views.ts';

const settings = JSON.stringify({
  issuer: 'http://127.0.0.1:3000',
  apps: {
    pc: { clientId: 'playground-pc', idleMs: 28_800_000 },
    phone: { clientId: 'playground-phone', idleMs: null },
  },
  helloApi: 'http://127.0.0.1:3000/playground/api',
  ownApi: 'http://127.0.0.1:3000/api',
  refreshWindowMs: 120_000,
  qrCodeMs: 120_000,
});

const english = contextOf('en');
const chinese = contextOf('zh');

export const playgroundSamples: Record<string, PlaygroundContext> = {
  'with a demo account': { ...english, demoAccount: { identifier: 'ada@example.com', password: 'demo' } },
  'without one, in Chinese': chinese,
};

export const paneSamples: Record<string, PlaygroundPaneContext> = {
  'of the PC': { ...english, pane: 'pc' },
  'of the phone': { ...english, pane: 'phone' },
  'of the phone, in Chinese': { ...chinese, pane: 'phone' },
};

function contextOf(language: keyof typeof playgroundWords): PlaygroundContext {
  const words = playgroundWords[language];
  return { words, scriptWords: JSON.stringify(words.script), settings };
}
