/** What a log may tell of an error that is not ours: its name. Its message may hold what nobody has looked at. */
export const errorName = (error: unknown): string => (error instanceof Error ? error.name : 'unknown');
