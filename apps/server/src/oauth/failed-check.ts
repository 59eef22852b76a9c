/** Errors of the OAuth library whose messages are its own words: they name a parameter, and never its value. */
const OWN_WORDS = new Set(['OperationProcessingError', 'UnsupportedOperationError']);

/**
 * Which check of an answer did not pass, for those who run the server; null where the library does not say. Its other
 * errors are not quoted: those of parsers repeat what they read.
 */
export const failedCheckOf = (error: unknown): string | null => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (OWN_WORDS.has(cause.name)) return cause.message;
  }
  return null;
};
