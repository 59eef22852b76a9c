import { describe, expect, test } from '@jest/globals';
import { longestAvailableMillis } from '../src/faults/availability.js';
import { emptyLedger, type Ledger, type MadeConnection, type ServerLife } from '../src/faults/ledger.js';
import { timelineOf } from '../src/faults/timeline.js';
import { proveUnavoidable } from '../src/faults/unavoidable.js';
import { type ConnectionOutcome, isClean, judge, type Observations } from '../src/faults/verdict.js';
import type { TokenRequestRecord } from '../src/org/index.js';

const GRACE_MILLIS = 30_000;
const connection: MadeConnection = {
  connectionId: 'conn_1',
  grantId: 'grant_1',
  userId: 'ada@acme.test',
  refreshToken: 'token-0',
};

/** A rotation at a time, answered within 10 ms and delivered. */
const rotation = (
  atMillis: number,
  caller: string,
  used: string,
  issued: string | null,
  more: Partial<TokenRequestRecord> = {},
): TokenRequestRecord => ({
  arrivedAtMillis: atMillis,
  decidedAtMillis: atMillis + 5,
  endedAtMillis: atMillis + 10,
  caller,
  grantType: 'refresh_token',
  grantId: 'grant_1',
  usedRefreshToken: used,
  issuedRefreshToken: issued,
  issuedAccessToken: issued === null ? null : `access-${issued}`,
  firstUsedAtMillis: issued === null ? null : atMillis,
  status: issued === null ? 400 : 200,
  fault: null,
  delivered: true,
  familyRevoked: false,
  ...more,
});

const life = (
  caller: string,
  from: number,
  to: number | null,
  end: ServerLife['end'] = null,
): ServerLife => ({
  server: caller.split('#')[0] ?? '',
  caller,
  startedAtMillis: from - 500,
  readyAtMillis: from,
  endedAtMillis: to,
  end: to === null ? null : (end ?? 'killed'),
});

const ledgerWith = (part: Partial<Ledger>): Ledger => ({
  ...emptyLedger(GRACE_MILLIS),
  connections: [connection],
  ...part,
});

const gone: ConnectionOutcome = {
  connectionId: 'conn_1',
  isReadable: false,
  isAccepted: false,
  status: 'needs_reconnect',
  reason: 'rotation_lost',
};
const fine: ConnectionOutcome = {
  ...gone,
  isReadable: true,
  isAccepted: true,
  status: 'healthy',
  reason: null,
};

const seen = (outcome: ConnectionOutcome, more: Partial<Observations> = {}): Observations => ({
  outcomes: [outcome],
  needsReconnect: new Set(),
  expiredServed: 0,
  refusals: [],
  ...more,
});

/** The only server is killed 20 ms after the org's answer, and nobody is up until the grace is over. */
const hopeless = ledgerWith({
  tokenRequests: [rotation(10_000, 'a#1', 'token-0', 'token-1')],
  lives: [life('a#1', 0, 10_025), life('a#2', 45_000, null)],
});

describe('a lost connection is unavoidable only', () => {
  test('when the one who got the answer was killed at once, and nobody was up for the rest of the grace', () => {
    expect(proveUnavoidable(hopeless, connection).isProven).toBe(true);
    const verdict = judge(hopeless, seen(gone));
    expect(verdict.unavoidable).toHaveLength(1);
    expect([verdict.lost, verdict.falseReconnects, verdict.familyRevocations]).toEqual([[], [], []]);
    expect(isClean(verdict)).toBe(true);
  });

  test('when the database was away for the rest of the grace', () => {
    const ledger = ledgerWith({
      ...hopeless,
      lives: [life('a#1', 0, 10_025), life('b#1', 0, null)],
      databaseDown: [{ fromMillis: 9_000, toMillis: 41_000 }],
    });
    expect(proveUnavoidable(ledger, connection).isProven).toBe(true);
  });

  test('when the org failed every call for the rest of the grace', () => {
    const ledger = ledgerWith({
      ...hopeless,
      lives: [life('a#1', 0, 10_025), life('b#1', 0, null)],
      orgTrouble: [{ kind: 'org_500', fromMillis: 10_010, toMillis: 41_000 }],
    });
    expect(proveUnavoidable(ledger, connection).isProven).toBe(true);
  });

  test('when each who tried again in the grace was killed with the answer in its hands', () => {
    const again = { firstUsedAtMillis: 10_000 };
    const ledger = ledgerWith({
      tokenRequests: [
        rotation(10_000, 'a#1', 'token-0', 'token-1'),
        rotation(16_000, 'b#1', 'token-0', 'token-1b', again),
        rotation(35_000, 'c#1', 'token-0', 'token-1c', again),
      ],
      lives: [
        life('a#1', 0, 10_030),
        life('b#1', 0, 16_030),
        life('c#1', 30_000, 35_030),
        life('d#1', 37_000, null),
      ],
    });
    expect(proveUnavoidable(ledger, connection).isProven).toBe(true);
  });

  test('and without any grace, when the one who got the answer was killed at once', () => {
    const ledger = { ...hopeless, graceMillis: 0, lives: [life('a#1', 0, 10_025), life('b#1', 0, null)] };
    expect(proveUnavoidable(ledger, connection).isProven).toBe(true);
  });
});

describe('a lost connection is not excused', () => {
  const notExcused = (ledger: Ledger, because: string) => {
    expect(proveUnavoidable(ledger, connection)).toMatchObject({
      isProven: false,
      because: expect.stringContaining(because),
    });
    const verdict = judge(ledger, seen(gone));
    expect(verdict.unavoidable).toEqual([]);
    expect(verdict.lost).toHaveLength(1);
    expect(verdict.falseReconnects).toHaveLength(1);
    expect(isClean(verdict)).toBe(false);
  };

  test('when another server could have tried again within the grace', () => {
    notExcused(
      ledgerWith({ ...hopeless, lives: [life('a#1', 0, 10_025), life('b#1', 0, null)] }),
      'nobody tried',
    );
  });

  test('when the killed server was back in time', () => {
    notExcused(
      ledgerWith({ ...hopeless, lives: [life('a#1', 0, 10_025), life('a#2', 20_000, null)] }),
      'nobody tried',
    );
  });

  test('when servers that took turns were up for long enough together', () => {
    const lives = [
      life('a#1', 0, 10_025),
      life('b#1', 20_000, 24_000),
      life('c#1', 23_000, 28_000),
      life('a#2', 45_000, null),
    ];
    notExcused(ledgerWith({ ...hopeless, lives }), 'possible for 8.00 s');
  });

  test('when the killed server ran for long enough to keep the answer', () => {
    notExcused(
      ledgerWith({ ...hopeless, lives: [life('a#1', 0, 11_500), life('a#2', 45_000, null)] }),
      'ran for another 1.50 s',
    );
  });

  test('when the server that got the answer ended by itself', () => {
    notExcused(
      ledgerWith({ ...hopeless, lives: [life('a#1', 0, 10_025, 'died'), life('a#2', 45_000, null)] }),
      'was not killed',
    );
  });

  test('when the server that got the answer was stopped in order', () => {
    notExcused(
      ledgerWith({ ...hopeless, lives: [life('a#1', 0, 10_025, 'stopped'), life('a#2', 45_000, null)] }),
      'was not killed',
    );
  });

  test('when the answer was lost on the way and its caller lives', () => {
    notExcused(
      ledgerWith({
        tokenRequests: [
          rotation(10_000, 'a#1', 'token-0', 'token-1', { delivered: false, fault: 'drop_answer' }),
        ],
        lives: [life('a#1', 0, null)],
      }),
      'nobody tried',
    );
  });

  test('when the org does not know who got the answer', () => {
    notExcused(
      ledgerWith({
        ...hopeless,
        tokenRequests: [rotation(10_000, 'somebody', 'token-0', 'token-1')],
      }),
      'somebody unknown',
    );
  });

  test('when the new refresh token was used later: it had been kept', () => {
    notExcused(
      ledgerWith({
        ...hopeless,
        tokenRequests: [
          ...hopeless.tokenRequests,
          rotation(50_000, 'a#2', 'token-1', null, { fault: 'server_error' }),
        ],
      }),
      'had been kept',
    );
  });

  test('when its refresh token was never used up', () => {
    notExcused(ledgerWith({ lives: hopeless.lives }), 'good at the org');
  });

  test('when it was one of two kills, with time for a third try', () => {
    const ledger = ledgerWith({
      tokenRequests: [
        rotation(10_000, 'a#1', 'token-0', 'token-1'),
        rotation(16_000, 'b#1', 'token-0', 'token-1b', { firstUsedAtMillis: 10_000 }),
      ],
      lives: [life('a#1', 0, 10_030), life('b#1', 0, 16_030), life('c#1', 0, null)],
    });
    notExcused(ledger, 'after answer 2 of 2');
  });

  test('when a frozen server held the answer while others could have tried', () => {
    const ledger = ledgerWith({
      ...hopeless,
      lives: [life('a#1', 0, 40_500), life('b#1', 0, null)],
      freezes: [{ caller: 'a#1', fromMillis: 10_010, toMillis: 40_400 }],
    });
    notExcused(ledger, 'nobody tried');
  });

  test('when a try after the grace made the org revoke the family, though somebody was up in time', () => {
    const ledger = ledgerWith({
      tokenRequests: [
        rotation(10_000, 'a#1', 'token-0', 'token-1'),
        rotation(41_000, 'b#1', 'token-0', null, { familyRevoked: true, grantId: 'grant_1' }),
      ],
      lives: [life('a#1', 0, 10_025), life('b#1', 0, null)],
    });
    notExcused(ledger, 'nobody tried');
    expect(judge(ledger, seen(gone)).familyRevocations).toHaveLength(1);
  });
});

describe('a run is counted', () => {
  const calm = ledgerWith({
    tokenRequests: [
      rotation(1_000, 'a#1', 'token-0', 'token-1'),
      rotation(9_000, 'a#1', 'token-1', 'token-2'),
    ],
    lives: [life('a#1', 0, null)],
  });

  test('as clean when the connection is read and its token taken', () => {
    const verdict = judge(calm, seen(fine));
    expect(verdict).toMatchObject({ lost: [], falseReconnects: [], familyRevocations: [], expiredServed: 0 });
    expect(isClean(verdict)).toBe(true);
  });

  test('with a connection lost that nobody looked at', () => {
    expect(judge(calm, { ...seen(fine), outcomes: [] }).lost).toHaveLength(1);
  });

  test('with a connection lost whose token the org refuses', () => {
    expect(judge(calm, seen({ ...fine, isAccepted: false })).lost).toHaveLength(1);
  });

  test('with a false alarm that was over before the end', () => {
    const verdict = judge(calm, seen(fine, { needsReconnect: new Set(['conn_1']) }));
    expect(verdict.falseReconnects).toHaveLength(1);
    expect(verdict.lost).toEqual([]);
    expect(isClean(verdict)).toBe(false);
  });

  test('with expired credentials, and with refused ones unless their family was revoked before', () => {
    const refusals = [{ connectionId: 'conn_1', atMillis: 20_000 }];
    expect(judge(calm, seen(fine, { expiredServed: 2, refusals })).expiredServed).toBe(3);
    const revoked = ledgerWith({
      ...calm,
      tokenRequests: [
        ...calm.tokenRequests,
        rotation(15_000, 'a#1', 'token-0', null, { familyRevoked: true }),
      ],
    });
    expect(judge(revoked, seen(gone, { refusals })).expiredServed).toBe(0);
  });

  test('with every answer for a refresh token beyond the first as a duplicate', () => {
    const ledger = ledgerWith({
      ...calm,
      tokenRequests: [...calm.tokenRequests, rotation(2_000, 'b#1', 'token-0', 'token-1b')],
    });
    expect(judge(ledger, seen(fine)).duplicateRefreshes).toBe(1);
  });

  test('with a call of a revoked family counted to it by its token, which the org knows no more', () => {
    const ledger = ledgerWith({
      ...calm,
      tokenRequests: [
        ...calm.tokenRequests,
        rotation(60_000, 'b#1', 'token-1', null, { grantId: null, familyRevoked: true }),
      ],
    });
    expect(judge(ledger, seen(gone)).familyRevocations).toHaveLength(1);
  });
});

describe('the time in which a refresh was possible', () => {
  const possible = (part: Partial<Ledger>) => longestAvailableMillis(ledgerWith(part), 0, 10_000);

  test('is the longest in one piece, with any server up', () => {
    expect(possible({ lives: [life('a#1', -1_000, 4_000), life('b#1', 7_000, null)] })).toBe(4_000);
    expect(possible({ lives: [life('a#1', -1_000, 4_000), life('b#1', 3_000, null)] })).toBe(10_000);
    expect(possible({ lives: [] })).toBe(0);
  });

  test('does not go on through an outage or while the only server is frozen', () => {
    const lives = [life('a#1', -1_000, null)];
    expect(possible({ lives, databaseDown: [{ fromMillis: 2_000, toMillis: 5_000 }] })).toBe(5_000);
    expect(possible({ lives, freezes: [{ caller: 'a#1', fromMillis: 1_000, toMillis: null }] })).toBe(1_000);
    expect(possible({ lives, orgTrouble: [{ kind: 'org_429', fromMillis: 6_000, toMillis: 7_000 }] })).toBe(
      6_000,
    );
  });

  test('goes on for a server that ended by itself: that is no excuse', () => {
    expect(possible({ lives: [life('a#1', -1_000, 2_000, 'died')] })).toBe(10_000);
  });

  test('begins 20 s after its start at the latest for a server that does not get ready', () => {
    const slow = { ...life('a#1', 0, null), startedAtMillis: -15_000, readyAtMillis: null };
    expect(possible({ lives: [slow] })).toBe(5_000);
  });
});

test('the timeline tells what happened to a connection, from the use of its last refresh token on', () => {
  expect(timelineOf(hopeless, connection)).toEqual([
    '+0.000 s  org: a#1 used refresh token token-0: rotated to token-1',
    '+0.025 s  a#1 killed',
    '+30.000 s  the grace ends',
    '+35.000 s  a#2 is ready',
  ]);
});
