import pg from 'pg';

/**
 * Counts every statement that this process sends from now on: at the driver, where nothing can hide, hot paths and what
 * Prisma sends. Call it before a connection is open.
 * @returns how many there were so far
 */
export const countStatements = (): (() => number) => {
  let statements = 0;
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...call: unknown[]) {
    statements += 1;
    return Reflect.apply(query, this, call);
  } as typeof query;
  return () => statements;
};
