import { AuthpipeError } from './errors.js';

/** Where a call came from: taken at its beginning, since nothing of it is left on the stack when an answer has come. */
export interface CallSite {
  readonly stack?: string;
}

/** Notes who calls. For calls that wait for the network: it costs a microsecond, so no warm read may do it. */
export const callSite = (): CallSite => {
  const site: CallSite = {};
  Error.captureStackTrace(site, callSite);
  return site;
};

/** Lets an error of one call show the line that made the call, in the place of the lines that found it. */
export const showCaller = (error: unknown, site: CallSite): void => {
  if (!(error instanceof AuthpipeError)) return;
  // Not a text where somebody has set Error.prepareStackTrace.
  const frames = typeof site.stack === 'string' ? /\n\s+at .*/s.exec(site.stack)?.[0] : undefined;
  if (frames === undefined) return;
  const value = `${error.name}: ${error.message}${frames}`;
  Object.defineProperty(error, 'stack', { value, writable: true, configurable: true });
};

/** An error that several callers wait for, as one of their own that shows its line; anything else as it is. */
export const errorOfCaller = (error: unknown, site: CallSite): unknown => {
  if (!(error instanceof AuthpipeError)) return error;
  const { name, code, ...details } = error;
  const own = new AuthpipeError(code, error.message, { ...details, cause: error.cause });
  showCaller(own, site);
  return own;
};
