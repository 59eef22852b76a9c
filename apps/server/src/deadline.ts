/** What was waited for took too long; it may come all the same, later. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';

  constructor(millis: number) {
    super(`There was no answer within ${millis} ms.`);
  }
}

/**
 * What `work` resolves to, if it does so within `millis`. The work itself goes on: nothing is cut off.
 * @throws DeadlineError when it takes longer
 */
export const withinMillis = async <Result>(millis: number, work: Promise<Result>): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(millis)), millis).unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};
