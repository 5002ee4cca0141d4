/** A clock that moves when told. */
export interface TestClock {
  now(): Date;
  advance(seconds: number): void;
  /** The instant that many seconds from now. */
  in(seconds: number): Date;
}

export function createTestClock(start: Date = new Date()): TestClock {
  let ms = start.getTime();
  return {
    now: () => new Date(ms),
    advance: (seconds) => {
      ms += seconds * 1000;
    },
    in: (seconds) => new Date(ms + seconds * 1000),
  };
}
