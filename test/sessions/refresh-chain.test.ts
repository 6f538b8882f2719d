// The table of docs/refresh.md, row by row. What no row shows alone (that the rows together keep honest
// devices and catch thieves) is in refresh-chain.model.test.ts and refresh-chain.fleet.test.ts.
import { describe, expect, it } from 'vitest';
import type { ChainState } from '../../src/sessions/device-session.ts';
import {
  chainChanges,
  decideRefresh,
  isUntouched,
  openChain,
  type RefreshDecision,
  type RefreshEvent,
} from '../../src/sessions/refresh-chain.ts';

const W = 120_000;
const t0 = 1_700_000_000_000;

/** A chain that the device has used for long: 5 is proven, 6 was minted at t0 and is on its way. */
const base: ChainState = {
  revision: 9,
  proven: 5,
  minted: 6,
  unproven: [{ serial: 6, at: t0 }],
  aliases: [],
  superseded: [],
  echoes: 0,
};

function show(
  chain: ChainState,
  serial: number,
  at: number,
  more: Partial<RefreshEvent> = {},
): RefreshDecision {
  return decideRefresh(chain, { serial }, { now: at, windowMs: W, bound: false, ...more });
}

function nextOf(decision: RefreshDecision): ChainState {
  if (!('next' in decision) || decision.next === undefined)
    throw new Error(`${decision.kind} writes nothing`);
  return decision.next;
}

/** Shows each serial at its time, in order; answers the last decision. */
function play(chain: ChainState, shows: [serial: number, at: number][], more: Partial<RefreshEvent> = {}) {
  let state = chain;
  let decision: RefreshDecision | undefined;
  for (const [serial, at] of shows) {
    decision = show(state, serial, at, more);
    if ('next' in decision && decision.next) state = decision.next;
  }
  if (!decision) throw new Error('nothing was shown');
  return { decision, state };
}

describe('openChain', () => {
  it('mints serial 1, which has not come back yet', () => {
    const chain = openChain(t0);

    expect(chain).toEqual({ ...base, revision: 1, proven: 0, minted: 1, unproven: [{ serial: 1, at: t0 }] });
    expect(isUntouched(chain)).toBe(true);
    expect(isUntouched(nextOf(show(chain, 1, t0)))).toBe(false);
  });

  it('leaves nothing superseded when its first serial comes back', () => {
    const next = nextOf(show(openChain(t0), 1, t0 + 5));

    expect(next).toEqual({
      ...base,
      revision: 2,
      proven: 1,
      minted: 2,
      unproven: [{ serial: 2, at: t0 + 5 }],
    });
  });
});

describe('an unproven serial', () => {
  it('becomes proven, supersedes the proven one, and is answered with a new serial', () => {
    const now = t0 + 900_000;

    expect(show(base, 6, now)).toEqual({
      kind: 'advance',
      serial: 7,
      suspect: false,
      restored: false,
      next: {
        revision: 10,
        proven: 6,
        minted: 7,
        unproven: [{ serial: 7, at: now }],
        aliases: [],
        superseded: [{ serials: [5], at: now }],
        echoes: 0,
      },
    });
  });

  it('makes aliases of siblings that may still arrive, and supersedes older ones', () => {
    const now = t0 + 4 * W;
    const chain: ChainState = {
      ...base,
      minted: 9,
      unproven: [
        { serial: 6, at: now - 3 * W },
        { serial: 7, at: now - 3 * W + 1 },
        { serial: 8, at: now - W },
        { serial: 9, at: now },
      ],
      aliases: [3, 4],
    };

    expect(nextOf(show(chain, 8, now))).toMatchObject({
      proven: 8,
      minted: 10,
      unproven: [{ serial: 10, at: now }],
      aliases: [7, 9],
      superseded: [{ serials: [5, 3, 4, 6], at: now }],
    });
  });

  it('keeps the youngest siblings where there are more than aliases', () => {
    const unproven = [6, 7, 8, 9].map((serial) => ({ serial, at: t0 }));
    const next = nextOf(show({ ...base, minted: 9, unproven }, 6, t0 + 1, { aliasesMax: 2 }));

    expect(next.aliases).toEqual([8, 9]);
    expect(next.superseded).toEqual([{ serials: [5, 7], at: t0 + 1 }]);
  });

  it('drops superseded entries of the age of W with its write', () => {
    const superseded = [
      { serials: [1], at: t0 },
      { serials: [2], at: t0 + 1 },
    ];

    expect(nextOf(show({ ...base, superseded }, 6, t0 + W)).superseded).toEqual([
      { serials: [2], at: t0 + 1 },
      { serials: [5], at: t0 + W },
    ]);
  });

  it('is answered with the newest, and nothing is written, while eight entries are younger than W', () => {
    const superseded = Array.from({ length: 8 }, (_, n) => ({ serials: [n + 1], at: t0 + n }));
    const chain = {
      ...base,
      proven: 20,
      minted: 22,
      unproven: [21, 22].map((serial) => ({ serial, at: t0 + 9 })),
      superseded,
    };

    expect(show(chain, 21, t0 + W - 1)).toEqual({ kind: 'repeat', serial: 22 });
    expect(show(chain, 21, t0 + W).kind).toBe('advance');
    expect(nextOf(show(chain, 21, t0 + W)).superseded).toHaveLength(8);
  });
});

describe('the proven serial or an alias', () => {
  const chain: ChainState = { ...base, aliases: [4] };

  it.each([5, 4])('is answered with the same newest token while that is younger than W (%i)', (serial) => {
    expect(show(chain, serial, t0)).toEqual({ kind: 'repeat', serial: 6 });
    expect(show(chain, serial, t0 + 9_999)).toEqual({ kind: 'repeat', serial: 6 });
  });

  it('hears the same after a duplicate in the same millisecond', () => {
    const { decision } = play(openChain(t0), [
      [1, t0],
      [1, t0],
    ]);

    expect(decision).toEqual({ kind: 'repeat', serial: 2 });
  });

  it('has its first echo of a generation written, and only that', () => {
    const first = show(chain, 5, t0 + 10_000);

    expect(first).toEqual({ kind: 'repeat', serial: 6, next: { ...chain, revision: 10, echo: true } });
    expect(show(nextOf(first), 4, t0 + 20_000)).toEqual({ kind: 'repeat', serial: 6 });
  });

  it('gets a sibling once the newest is of the age of W, up to four', () => {
    const sibling = show(chain, 5, t0 + W);

    expect(sibling).toEqual({
      kind: 'sibling',
      serial: 7,
      next: {
        ...chain,
        revision: 10,
        minted: 7,
        unproven: [
          { serial: 6, at: t0 },
          { serial: 7, at: t0 + W },
        ],
        echo: true,
      },
    });
    const { decision, state } = play(
      chain,
      [1, 2, 3].map((n) => [5, t0 + n * W]),
    );
    expect(decision.kind).toBe('sibling');
    expect(state.unproven.map(({ serial }) => serial)).toEqual([6, 7, 8, 9]);
  });

  it('gets the newest of four again, which then counts as just minted', () => {
    const { decision, state } = play(
      chain,
      [1, 2, 3, 4].map((n) => [5, t0 + n * W]),
    );

    expect(decision).toMatchObject({ kind: 'repeat', serial: 9 });
    expect(state.unproven.at(-1)).toEqual({ serial: 9, at: t0 + 4 * W });
    expect(show(state, 5, t0 + 5 * W - 1)).toEqual({ kind: 'repeat', serial: 9 });
  });

  it('goes on with a sibling where damage left no unproven serial', () => {
    expect(show({ ...base, unproven: [] }, 5, t0)).toMatchObject({ kind: 'sibling', serial: 7 });
    expect(show({ ...base, unproven: [] }, 3, t0, { bound: true })).toMatchObject({
      kind: 'sibling',
      serial: 7,
    });
  });
});

describe('a superseded serial', () => {
  const chain: ChainState = { ...base, superseded: [{ serials: [4, 3], at: t0 }] };

  it.each([3, 4])('is late while younger than W, and nothing is written (%i)', (serial) => {
    expect(show(chain, serial, t0)).toEqual({ kind: 'late', retryAfterSeconds: 2 });
    expect(show(chain, serial, t0 + W - 1)).toEqual({ kind: 'late', retryAfterSeconds: 2 });
  });

  it('is stolen from the age of W on, whether or not the entry was dropped yet', () => {
    expect(show(chain, 4, t0 + W)).toEqual({ kind: 'theft' });
    expect(show(base, 4, t0)).toEqual({ kind: 'theft' });
  });

  it('is late on a bound chain too, and answered with the newest later', () => {
    expect(show(chain, 4, t0, { bound: true }).kind).toBe('late');
    expect(show(chain, 4, t0 + W, { bound: true })).toEqual({ kind: 'repeat', serial: 6 });
  });

  it('is told from the first rotation that follows: 1, 2, then 1 again', () => {
    const rotated: [number, number][] = [
      [1, t0],
      [2, t0 + 1_000],
    ];

    expect(play(openChain(t0), [...rotated, [1, t0 + 2_000]]).decision.kind).toBe('late');
    expect(play(openChain(t0), [...rotated, [1, t0 + 1_000 + W]]).decision.kind).toBe('theft');
  });
});

describe('a serial above the highest minted', () => {
  it('becomes proven, and says that the store was restored', () => {
    const chain: ChainState = { ...base, aliases: [4], superseded: [{ serials: [3], at: t0 }] };

    expect(show(chain, 9, t0 + 3 * W)).toEqual({
      kind: 'advance',
      serial: 10,
      suspect: false,
      restored: true,
      next: {
        revision: 10,
        proven: 9,
        minted: 10,
        unproven: [{ serial: 10, at: t0 + 3 * W }],
        aliases: [],
        superseded: [{ serials: [], upTo: 8, at: t0 + 3 * W }],
        echoes: 0,
      },
    });
  });

  it('makes everything below it late for one window and stolen afterwards', () => {
    const now = t0 + 3 * W;
    const restored = nextOf(show(base, 9, now));

    for (const serial of [1, 5, 6, 7, 8]) {
      expect(show(restored, serial, now + W - 1).kind).toBe('late');
      expect(show(restored, serial, now + W).kind).toBe('theft');
    }
  });

  it('keeps as an alias what was minted since the restore and may still arrive', () => {
    const { decision } = play(base, [
      [5, t0],
      [9, t0 + 60_000],
      [6, t0 + 200_000],
    ]);

    expect(decision).toMatchObject({ kind: 'sibling', serial: 11 });
  });

  it('is taken even while eight superseded entries are young: the one it leaves covers them', () => {
    const superseded = Array.from({ length: 8 }, (_, n) => ({ serials: [n + 1], at: t0 }));

    expect(nextOf(show({ ...base, superseded }, 40, t0)).superseded).toEqual([
      { serials: [], upTo: 39, at: t0 },
    ]);
  });
});

describe('any other genuine serial', () => {
  it('ends an unbound chain', () => {
    expect(show(base, 2, t0)).toEqual({ kind: 'theft' });
  });

  it('is answered with the newest on a bound one, and nothing is written', () => {
    expect(show(base, 2, t0 + 50 * W, { bound: true })).toEqual({ kind: 'repeat', serial: 6 });
  });
});

describe('echoes', () => {
  /** Each generation: the owner shows the newest, then somebody shows what it was before. */
  function generations(count: number, echoing: (generation: number) => boolean) {
    let state = openChain(t0);
    const suspects: number[] = [];
    for (let generation = 1; generation <= count; generation += 1) {
      const now = t0 + generation * 900_000;
      const decision = show(state, state.minted, now);
      state = nextOf(decision);
      if (decision.kind === 'advance' && decision.suspect) suspects.push(generation);
      const echo = show(state, state.proven, now + 30_000);
      if (echoing(generation)) state = nextOf(echo);
    }
    return { state, suspects };
  }

  it('make the chain suspect at the sixth in a row, and again at the twelfth', () => {
    expect(generations(14, () => true).suspects).toEqual([7, 13]);
  });

  it('are counted anew after a generation without one', () => {
    const { state, suspects } = generations(20, (generation) => generation % 6 !== 0);

    expect(suspects).toEqual([]);
    expect(state.echoes).toBe(1);
  });

  it('are not looked for on a bound chain, where a copy is worth nothing', () => {
    expect(show(base, 5, t0 + 30_000, { bound: true })).toEqual({ kind: 'repeat', serial: 6 });
    expect(nextOf(show(base, 5, t0 + W, { bound: true })).echo).toBeUndefined();
  });
});

describe('a clock that went back', () => {
  it('makes things look young, which is harmless', () => {
    const chain: ChainState = { ...base, superseded: [{ serials: [4], at: t0 }] };

    expect(show(chain, 4, t0 - 50 * W).kind).toBe('late');
    expect(show(chain, 5, t0 - 50 * W)).toEqual({ kind: 'repeat', serial: 6 });
    expect(show(chain, 6, t0 - 50 * W).kind).toBe('advance');
  });
});

describe('a sibling that is forgotten too soon', () => {
  // No message here is older than 119 s: what one window would make of it is why siblings have three (I4).
  const crossing: [number, number][] = [
    [5, t0 + 110_000], // 6 again; this answer takes 100 s and is stored at 210 s
    [5, t0 + 300_000], // sent by another tab at 205 s: 7 is minted; its answer takes 110 s
    [6, t0 + 449_000], // sent at 330 s; meanwhile, at 410 s, the answer with 7 was stored; this one is lost
    [7, t0 + 900_000],
  ];

  it('would sign out the honest device that holds it', () => {
    expect(play(base, crossing, { siblingWindows: 1 }).decision).toEqual({ kind: 'theft' });
  });

  it('stays an alias, so that the device goes on', () => {
    const { decision, state } = play(base, crossing);

    expect(decision.kind).toBe('sibling');
    expect(state.aliases).toEqual([7]);
  });
});

describe('chainChanges', () => {
  it('names every field of the state below the path of the chain, and removes an echo that is over', () => {
    const at = ['apps', '0', 'chains', '1'];
    const changes = chainChanges(at, base);

    expect(changes).toContainEqual([[...at, 'proven'], 5]);
    expect(changes).toContainEqual([[...at, 'echo'], undefined]);
    expect(changes.map(([path]) => path.at(-1)).sort()).toEqual([...Object.keys(base), 'echo'].sort());
  });
});
