// Every way through the pages in both themes, both languages, on a desk and on a phone, with a close look at
// each page on the way.
import { describe } from 'vitest';
import { it } from '../browser-test.ts';
import { connectDevice, consent, endOtherDevice, seeRefusals, signIn, signOut, signUp } from '../journeys.ts';
import { cells } from './cells.ts';
import { lookClosely } from './look.ts';

describe.each(cells)('in $language, $theme, $width px wide, somebody', (cell) => {
  it('signs up', async ({ stage }) => {
    await signUp(stage, await stage.visitor(cell), 'mei@example.com', lookClosely);
  });

  it('signs in', async ({ stage }) => {
    await signIn(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('lets an app of somebody else in', async ({ stage }) => {
    await consent(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('signs out', async ({ stage }) => {
    await signOut(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('ends another device', async ({ stage }) => {
    const [visitor, other] = [await stage.visitor(cell), await stage.visitor(cell)];
    await endOtherDevice(stage, visitor, other, await stage.strata.addAccount(), lookClosely);
  });

  it('connects a TV', async ({ stage }) => {
    await connectDevice(stage, await stage.visitor(cell), await stage.strata.addAccount(), lookClosely);
  });

  it('is told what went wrong', async ({ stage }) => {
    await seeRefusals(stage, await stage.visitor(cell), lookClosely);
  });
});
