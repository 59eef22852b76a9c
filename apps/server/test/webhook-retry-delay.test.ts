import { describe, expect, it } from '@jest/globals';
import { endpointRetrySeconds, laneRetrySeconds } from '../src/webhooks/retry-delay.js';

describe('the time to the next attempt of a webhook', () => {
  it('doubles from five seconds to an hour, half of it left to chance', () => {
    const longest = [0, 1, 2, 3, 9, 10, 1_000].map((failures) => laneRetrySeconds(failures, null, 1));
    expect(longest).toEqual([5, 10, 20, 40, 2_560, 3_600, 3_600]);
    expect(laneRetrySeconds(2, null, 0)).toBe(10);
    expect(laneRetrySeconds(2, null, 0.5)).toBe(15);
  });

  it('is no shorter than the receiver asks, up to an hour', () => {
    expect(laneRetrySeconds(0, 120, 0)).toBe(120);
    expect(laneRetrySeconds(10, 120, 0)).toBe(1_800);
    expect(laneRetrySeconds(0, 86_400, 0)).toBe(3_600);
  });

  it('keeps others from an endpoint that failed five times in a row, for a minute at most', () => {
    expect([1, 4].map((failures) => endpointRetrySeconds(failures, 1))).toEqual([null, null]);
    expect([5, 6, 9, 500].map((failures) => endpointRetrySeconds(failures, 1))).toEqual([5, 10, 60, 60]);
  });
});
