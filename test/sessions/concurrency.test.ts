import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AdmissionCandidate,
  builtInRule,
  type ConcurrencyRule,
  type CountedSession,
  decideAdmission,
  type Victim,
  type VictimPolicy,
} from '../../src/sessions/concurrency.ts';

const now = 1_000_000;
const classes = { ios: 'phone', ipad: 'tablet', windows: 'desktop', web: 'browser' } as const;
type Platform = keyof typeof classes;

function entry(sid: string, platform: Platform, more: Partial<CountedSession> = {}): CountedSession {
  return { sid, platform, class: classes[platform], startedAt: 0, lastActiveAt: 0, apps: [], ...more };
}

function app(n: string, clientId: string, startedAt = 0) {
  return { n, clientId, startedAt, lastActiveAt: startedAt };
}

function candidate(platform: Platform, more: Partial<AdmissionCandidate> = {}): AdmissionCandidate {
  return { sid: 'new', platform, class: classes[platform], groups: [], ...more };
}

function rule(count: ConcurrencyRule['count'], limit: number, victim: VictimPolicy): ConcurrencyRule {
  return { count, limit, victim };
}

function victimsOf(decision: ReturnType<typeof decideAdmission>): Victim[] {
  if (decision.kind !== 'admit') throw new Error(`expected an admission, got ${decision.kind}`);
  return decision.victims;
}

describe('decideAdmission', () => {
  const onePhone = rule({ classes: ['phone', 'tablet'] }, 1, 'oldest');

  it('admits without victims while no rule is exceeded', () => {
    const decision = decideAdmission([onePhone], [entry('pc', 'windows')], candidate('ios'), now);

    expect(decision).toEqual({ kind: 'admit', victims: [], lapsed: [] });
  });

  it('lets a phone and a tablet take turns where they share one place', () => {
    const entries = [entry('tablet', 'ipad'), entry('pc', 'windows')];

    expect(victimsOf(decideAdmission([onePhone], entries, candidate('ios'), now))).toEqual([
      { sid: 'tablet' },
    ]);
  });

  it('ends the oldest, or the least recently active, as the rule says', () => {
    const entries = [
      entry('first', 'windows', { startedAt: 1, lastActiveAt: 9 }),
      entry('second', 'windows', { startedAt: 2, lastActiveAt: 3 }),
    ];
    const of = (victim: VictimPolicy) =>
      victimsOf(
        decideAdmission([rule({ classes: ['desktop'] }, 2, victim)], entries, candidate('windows'), now),
      );

    expect(of('oldest')).toEqual([{ sid: 'first' }]);
    expect(of('least_recent')).toEqual([{ sid: 'second' }]);
  });

  it('breaks ties by id, whatever order the roster has', () => {
    const entries = [entry('b', 'ios'), entry('a', 'ios')];
    const decision = decideAdmission([rule({ all: true }, 2, 'oldest')], entries, candidate('ios'), now);

    expect(victimsOf(decision)).toEqual([{ sid: 'a' }]);
  });

  it('ends as many as a tightened policy asks for at once', () => {
    const entries = [1, 2, 3, 4].map((at) => entry(`s${at}`, 'web', { startedAt: at }));
    const decision = decideAdmission(
      [rule({ platforms: ['web'] }, 2, 'oldest')],
      entries,
      candidate('web'),
      now,
    );

    expect(victimsOf(decision)).toEqual([{ sid: 's1' }, { sid: 's2' }, { sid: 's3' }]);
  });

  it('holds a rule with victims even where the candidate is not counted by it', () => {
    const entries = [entry('p1', 'ios', { startedAt: 1 }), entry('p2', 'ios', { startedAt: 2 })];

    expect(victimsOf(decideAdmission([onePhone], entries, candidate('web'), now))).toEqual([{ sid: 'p1' }]);
  });

  it('asks with the choices, longest unused first, and says how many have to go', () => {
    const ask = rule({ classes: ['browser'] }, 1, 'ask');
    const entries = [entry('a', 'web', { lastActiveAt: 2 }), entry('b', 'web', { lastActiveAt: 1 })];

    expect(decideAdmission([ask], entries, candidate('web'), now)).toEqual({
      kind: 'ask',
      rule: ask,
      choices: [{ sid: 'b' }, { sid: 'a' }],
      excess: 2,
    });
  });

  it('admits once the person has chosen who goes', () => {
    const ask = rule({ classes: ['browser'] }, 1, 'ask');
    const chosen = candidate('web', { leaving: [{ sid: 'a' }] });

    expect(victimsOf(decideAdmission([ask], [entry('a', 'web')], chosen, now))).toEqual([]);
  });

  it('refuses where the rule says so, and where not even the candidate fits', () => {
    const refuse = rule({ all: true }, 1, 'refuse');
    const nobody = rule({ classes: ['phone'] }, 0, 'oldest');
    const askNobody = rule({ classes: ['phone'] }, 0, 'ask');

    expect(decideAdmission([refuse], [entry('a', 'web')], candidate('ios'), now)).toEqual({
      kind: 'refuse',
      rule: refuse,
    });
    expect(decideAdmission([nobody], [], candidate('ios'), now)).toEqual({ kind: 'refuse', rule: nobody });
    expect(decideAdmission([askNobody], [], candidate('ios'), now)).toEqual({
      kind: 'refuse',
      rule: askNobody,
    });
  });

  it.each<VictimPolicy>(['ask', 'refuse'])(
    'does not let `%s` concern whom the rule does not count',
    (victim) => {
      const entries = [entry('p1', 'ios'), entry('p2', 'ios')];
      const decision = decideAdmission(
        [rule({ classes: ['phone'] }, 1, victim)],
        entries,
        candidate('web'),
        now,
      );

      expect(victimsOf(decision)).toEqual([]);
    },
  );

  it('goes by the order of the rules', () => {
    const refuse = rule({ classes: ['phone'] }, 1, 'refuse');
    const ask = rule({ all: true }, 1, 'ask');
    const entries = [entry('a', 'ios')];

    expect(decideAdmission([refuse, ask], entries, candidate('ios'), now).kind).toBe('refuse');
    expect(decideAdmission([ask, refuse], entries, candidate('ios'), now).kind).toBe('ask');
    expect(decideAdmission([onePhone, refuse, ask], entries, candidate('ios'), now).kind).toBe('admit');
  });

  it('spares whom a later rule made needless', () => {
    const entries = [entry('phone', 'ios', { startedAt: 1 }), entry('tablet', 'ipad', { startedAt: 2 })];
    const rules = [
      rule({ classes: ['phone', 'tablet'] }, 2, 'oldest'),
      rule({ classes: ['tablet'] }, 1, 'oldest'),
    ];

    expect(victimsOf(decideAdmission(rules, entries, candidate('ipad'), now))).toEqual([{ sid: 'tablet' }]);
  });

  it('applies a rule over groups only to accounts in one of them', () => {
    const contractors = rule({ groups: ['contractors'] }, 1, 'oldest');
    const entries = [entry('a', 'ios')];
    const of = (groups: string[]) =>
      victimsOf(decideAdmission([contractors], entries, candidate('web', { groups }), now));

    expect(of(['staff'])).toEqual([]);
    expect(of(['staff', 'contractors'])).toEqual([{ sid: 'a' }]);
  });

  it('does not count what a limit has ended already, and says so', () => {
    const entries = [
      entry('idle', 'ios', { idleUntil: now }),
      entry('expired', 'ios', { absoluteUntil: now - 1 }),
      entry('live', 'ipad', { idleUntil: now + 1 }),
    ];

    expect(decideAdmission([rule({ all: true }, 2, 'refuse')], entries, candidate('web'), now)).toEqual({
      kind: 'admit',
      victims: [],
      lapsed: [
        { sid: 'idle', reason: 'idle' },
        { sid: 'expired', reason: 'expired' },
      ],
    });
  });

  it('always holds an account to 200 sessions, oldest out', () => {
    const entries = Array.from({ length: 200 }, (_, at) => entry(`s${at}`, 'web', { startedAt: 1_000 - at }));

    expect(builtInRule).toEqual({ count: { all: true }, limit: 200, victim: 'oldest' });
    expect(victimsOf(decideAdmission([], entries, candidate('ios'), now))).toEqual([{ sid: 's199' }]);
    expect(victimsOf(decideAdmission([], entries.slice(1), candidate('ios'), now))).toEqual([]);
  });
});

describe('decideAdmission by rules over clients', () => {
  const oneChat = rule({ clients: ['chat', 'chat-lite'] }, 1, 'oldest');

  it('counts apps and ends the app, not the session around it', () => {
    const entries = [entry('pc', 'web', { apps: [app('0', 'mail'), app('1', 'chat')] })];
    const decision = decideAdmission([oneChat], entries, candidate('ios', { clientId: 'chat-lite' }), now);

    expect(victimsOf(decision)).toEqual([{ sid: 'pc', app: '1' }]);
  });

  it('ends the session where no app of it stays', () => {
    const entries = [entry('pc', 'web', { apps: [app('0', 'chat', 1), app('1', 'chat-lite', 2)] })];
    const decision = decideAdmission([oneChat], entries, candidate('ios', { clientId: 'chat' }), now);

    expect(victimsOf(decision)).toEqual([{ sid: 'pc' }]);
  });

  it('counts an app that is added to a live session, and never ends that session for it', () => {
    const entries = [entry('pc', 'web', { apps: [app('0', 'chat')] })];
    const added = candidate('web', { sid: 'pc', clientId: 'chat-lite' });

    expect(victimsOf(decideAdmission([oneChat], entries, added, now))).toEqual([{ sid: 'pc', app: '0' }]);
    expect(victimsOf(decideAdmission([rule({ all: true }, 1, 'refuse')], entries, added, now))).toEqual([]);
  });

  it('does not count a client twice in one session', () => {
    const entries = [entry('pc', 'web', { apps: [app('0', 'chat')] })];
    const again = candidate('web', { sid: 'pc', clientId: 'chat' });

    expect(victimsOf(decideAdmission([oneChat], entries, again, now))).toEqual([]);
    expect(decideAdmission([rule({ clients: ['chat'] }, 1, 'refuse')], entries, again, now).kind).toBe(
      'admit',
    );
  });
});

describe('decideAdmission for any rules and sessions (I3)', () => {
  const platforms: Platform[] = ['ios', 'ipad', 'windows', 'web'];
  const clients = ['a', 'b', 'c'];
  const time = fc.nat({ max: 20 });
  const scope: fc.Arbitrary<ConcurrencyRule['count']> = fc.oneof(
    fc.constant({ all: true as const }),
    fc.subarray(platforms, { minLength: 1 }).map((some) => ({ platforms: some })),
    fc.subarray(Object.values(classes), { minLength: 1 }).map((some) => ({ classes: some })),
    fc.subarray(clients, { minLength: 1 }).map((some) => ({ clients: some })),
    fc.subarray(['g', 'h'], { minLength: 1 }).map((some) => ({ groups: some })),
    fc.record({
      classes: fc.constant(['browser' as const]),
      clients: fc.subarray(clients, { minLength: 1 }),
    }),
  );
  const anyRule = fc.record({
    count: scope,
    limit: fc.nat({ max: 4 }),
    victim: fc.constantFrom<VictimPolicy>('oldest', 'oldest', 'least_recent', 'ask', 'refuse'),
  });
  const anyEntry = fc.record({
    platform: fc.constantFrom(...platforms),
    startedAt: time,
    lastActiveAt: time,
    idleUntil: fc.constantFrom(now - 1, now + 1, now + 1, now + 1),
    clients: fc.subarray(clients),
  });
  const anyCase = fc.record({
    rules: fc.array(anyRule, { maxLength: 5 }),
    entries: fc.array(anyEntry, { maxLength: 9 }).map((list) =>
      list.map(({ clients: some, platform, ...times }, at) =>
        entry(`s${at}`, platform, {
          ...times,
          apps: some.map((id, n) => app(`${n}`, id, times.startedAt)),
        }),
      ),
    ),
    candidate: fc
      .record({
        platform: fc.constantFrom(...platforms),
        clientId: fc.constantFrom(...clients),
        groups: fc.subarray(['g']),
      })
      .map(({ platform, ...more }) => candidate(platform, more)),
  });
  const settings = { seed: 20_260_301, numRuns: 2_000 };

  /** Counted apart from the implementation: whom would this rule count after the admission? */
  function exceeds({ count, limit }: ConcurrencyRule, entries: CountedSession[], who: AdmissionCandidate) {
    if (count.groups && !count.groups.some((group) => who.groups.includes(group))) return false;
    const sessions = [...entries, { ...who, apps: [{ clientId: who.clientId ?? '' }] }].filter(
      (session) =>
        (!count.platforms || count.platforms.includes(session.platform)) &&
        (!count.classes || count.classes.includes(session.class)),
    );
    const { clients: counted } = count;
    if (!counted) return sessions.length > limit;
    return sessions.flatMap(({ apps }) => apps.filter((a) => counted.includes(a.clientId))).length > limit;
  }

  function leftAfter(entries: CountedSession[], victims: Victim[]): CountedSession[] {
    return entries
      .filter(
        ({ sid, idleUntil = now + 1 }) => idleUntil > now && !victims.some((v) => v.sid === sid && !v.app),
      )
      .map((session) => ({
        ...session,
        apps: session.apps.filter(({ n }) => !victims.some((v) => v.sid === session.sid && v.app === n)),
      }));
  }

  function eachAdmission(
    check: (some: {
      rules: ConcurrencyRule[];
      entries: CountedSession[];
      who: AdmissionCandidate;
      victims: Victim[];
    }) => void,
  ) {
    let admitted = 0;
    fc.assert(
      fc.property(anyCase, ({ rules, entries, candidate: who }) => {
        const decision = decideAdmission(rules, entries, who, now);
        if (decision.kind !== 'admit') return;
        if (decision.victims.length > 0) admitted += 1;
        check({ rules, entries, who, victims: decision.victims });
      }),
      settings,
    );
    expect(admitted).toBeGreaterThan(200);
  }

  it('leaves no rule exceeded whose victims it may choose', () => {
    eachAdmission(({ rules, entries, who, victims }) => {
      const left = leftAfter(entries, victims);
      const exceeded = rules.filter(({ victim }) => victim !== 'ask' && victim !== 'refuse');
      expect(exceeded.filter((each) => exceeds(each, left, who))).toEqual([]);
    });
  });

  it('ends nobody who could have stayed', () => {
    eachAdmission(({ rules, entries, who, victims }) => {
      for (const spared of victims) {
        const left = leftAfter(
          entries,
          victims.filter((victim) => victim !== spared),
        );
        expect(rules.some((each) => exceeds(each, left, who))).toBe(true);
      }
    });
  });

  it('never ends the candidate, someone twice, or someone who is not there', () => {
    eachAdmission(({ entries, victims }) => {
      const names = victims.map(({ sid, app: n }) => `${sid} ${n ?? ''}`);
      expect(new Set(names).size).toBe(names.length);
      for (const { sid, app: n } of victims) {
        const session = entries.find((each) => each.sid === sid);
        expect(session).toBeDefined();
        if (n !== undefined) expect(session?.apps.map((each) => each.n)).toContain(n);
      }
    });
  });

  it('answers what the first rule that stands in the way says, whatever follows it', () => {
    fc.assert(
      fc.property(anyCase, ({ rules, entries, candidate: who }) => {
        const whole = decideAdmission(rules, entries, who, now);
        if (whole.kind === 'admit') return;
        const upTo = rules.slice(0, rules.indexOf(whole.rule) + 1);
        expect(decideAdmission(upTo, entries, who, now)).toEqual(whole);
        expect(decideAdmission(upTo.slice(0, -1), entries, who, now).kind).toBe('admit');
      }),
      settings,
    );
  });
});
