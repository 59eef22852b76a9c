/**
 * One look for all who ask at the same time, and for `forMillis` after it: a scrape reads many metrics at once, and several
 * scrapers may come. A look that fails is made again.
 */
export const sharedLook = <Found>(
  look: () => Promise<Found>,
  { forMillis = 0, nowMillis = () => performance.now() } = {},
): (() => Promise<Found>) => {
  let found: { readonly answer: Promise<Found>; untilMillis: number } | null = null;
  return () => {
    if (found && nowMillis() < found.untilMillis) return found.answer;
    const looking = { answer: look(), untilMillis: Number.POSITIVE_INFINITY };
    found = looking;
    looking.answer.then(
      () => {
        looking.untilMillis = nowMillis() + forMillis;
      },
      () => {
        found = null;
      },
    );
    return looking.answer;
  };
};
