/** What a credential or its integration throws that can't be worked with; a database that is away throws none of these. */
const FAULTS: ReadonlySet<string> = new Set([
  // Altered, moved to another place, or sealed with a key that is gone.
  'VaultError',
  // The settings lack what the definition's URLs are filled with.
  'MissingConfigError',
  // What was sealed is no JSON, or not of the shape that it has to have.
  'SyntaxError',
  'TypeError',
  'RangeError',
]);

/**
 * Whether the cause lies in what is stored for one connection: then trying again at once brings the same. All else is taken
 * for trouble of the database, which passes.
 */
export const isRowFault = (error: unknown): boolean => error instanceof Error && FAULTS.has(error.name);
