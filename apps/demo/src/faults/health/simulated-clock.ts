/** One time for the servers, the database's clock and the org; it stands still until it is moved. */
export interface SimulatedClock {
  now(): Date;
  millis(): number;
  move(seconds: number): void;
}

export function createSimulatedClock(startMillis: number): SimulatedClock {
  let millis = startMillis;
  return {
    now: () => new Date(millis),
    millis: () => millis,
    move(seconds) {
      millis += seconds * 1000;
    },
  };
}
