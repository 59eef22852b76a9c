import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MILLIS = 200;

/** Resolves to whether it came true within the time. */
export async function waitUntil(
  isTrue: () => boolean | Promise<boolean>,
  withinMillis: number,
): Promise<boolean> {
  const deadline = performance.now() + withinMillis;
  while (!(await isTrue())) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_MILLIS);
  }
  return true;
}
