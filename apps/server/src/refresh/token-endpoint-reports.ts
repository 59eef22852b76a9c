/** What came of token requests at one endpoint since the last statement about it. */
export interface TokenEndpointReport {
  /** Whether the provider answered, before the failures that are counted here. */
  readonly answered: boolean;
  /** Failures since. */
  readonly failures: number;
  /** The longest that the provider said to wait; zero where it said nothing. */
  readonly toldSeconds: number;
  /** End of this process's trial, where a trial is among the failures. */
  readonly trialUntil: Date | null;
}

const NOTHING: TokenEndpointReport = { answered: false, failures: 0, toldSeconds: 0, trialUntil: null };

/** Reports of outcomes that are written together where many come at once. */
export interface TokenEndpointReports {
  /** Adds the answer, and resolves when it is written. What failed before and is not yet written no longer counts. */
  answered(url: string): Promise<void>;
  /** Adds a failure, and resolves when it is written. */
  failed(url: string, failure: Pick<TokenEndpointReport, 'toldSeconds' | 'trialUntil'>): Promise<void>;
  /** Whether more has been reported of the endpoint than the statement under way tells. */
  isBehind(url: string): boolean;
}

interface Batch {
  report: TokenEndpointReport;
  readonly written: Promise<void>;
}

/**
 * One report under way per endpoint, and one that gathers what comes meanwhile: an outage that a thousand requests meet
 * at once costs two statements.
 */
export const createTokenEndpointReports = (
  /** Never rejects. */
  write: (url: string, report: TokenEndpointReport) => Promise<void>,
): TokenEndpointReports => {
  const gathering = new Map<string, Batch>();
  const underWay = new Map<string, Promise<void>>();

  const add = (url: string, change: (report: TokenEndpointReport) => TokenEndpointReport): Promise<void> => {
    const open = gathering.get(url);
    if (open) {
      open.report = change(open.report);
      return open.written;
    }
    const before = underWay.get(url) ?? Promise.resolve();
    const written = before.then(() => {
      gathering.delete(url);
      return write(url, batch.report);
    });
    const batch: Batch = { report: change(NOTHING), written };
    gathering.set(url, batch);
    underWay.set(url, written);
    return written.finally(() => {
      if (underWay.get(url) === written) underWay.delete(url);
    });
  };

  return {
    answered: (url) => add(url, () => ({ ...NOTHING, answered: true })),
    failed: (url, { toldSeconds, trialUntil }) =>
      add(url, (report) => ({
        ...report,
        failures: report.failures + 1,
        toldSeconds: Math.max(report.toldSeconds, toldSeconds),
        trialUntil: trialUntil ?? report.trialUntil,
      })),
    isBehind: (url) => gathering.has(url),
  };
};
