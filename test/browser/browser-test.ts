// `it` for tests in a real browser: one Chromium for a file, and for each test a server of its own, because
// its limits count by address and all browsers have the same one. A test fails if a page of any visitor did
// what no page may do (visitor.ts).
import { expect, test, vi } from 'vitest';
import type { TestSettings } from '../support/test-config.ts';
import { openTheatre } from './stage.ts';

const noSettings: TestSettings = {};

// A browser on a busy machine takes its time; what a test waits for has a shorter limit of its own.
vi.setConfig({ testTimeout: 90_000 });

export const it = test
  .extend('settings', noSettings)
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  .extend('theatre', { scope: 'file' }, async ({}, { onCleanup }) => {
    const theatre = await openTheatre();
    onCleanup(() => theatre.close());
    return theatre;
  })
  .extend('stage', async ({ theatre, settings }, { onCleanup }) => {
    const stage = await theatre.stage(settings);
    onCleanup(async () => {
      await stage.close();
      expect(stage.complaints()).toEqual([]);
    });
    return stage;
  });
