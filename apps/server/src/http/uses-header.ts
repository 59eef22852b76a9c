/** One sum of the header. */
export interface ReportedSum {
  readonly connectionId: string;
  readonly count: number;
}

const SUM = /^([A-Za-z0-9_-]{1,100})=([1-9]\d{0,8})$/;
const MAX_SUMS = 1_000;

/** Reads `Authpipe-Uses: conn_a=3, conn_b=1`. What is not of this form is left out: it is no reason to refuse a read. */
export const readUses = (header: string): ReportedSum[] =>
  header.split(',', MAX_SUMS).flatMap((part) => {
    const [, connectionId, count] = SUM.exec(part.trim()) ?? [];
    return connectionId === undefined ? [] : [{ connectionId, count: Number(count) }];
  });
