import { parseArgs } from 'node:util';
import type { Clock } from '../clock.js';
import { appendAudit } from '../db/append-audit.js';
import { createDatabaseClock, type MonotonicMillis } from '../db/database-clock.js';
import { type AdoptionDependencies, type AdoptionKind, adoptDatabase } from '../deployment/adopt.js';
import { StartError } from '../errors/start-error.js';
import { ADOPT_HELP } from './help.js';
import { isUsageError } from './usage-error.js';
import { type WriteLine, writeNote as writeToStderr, writeLine as writeToStdout } from './write-line.js';

/** What `authpipe adopt` works with. */
export interface AdoptCommandDependencies extends AdoptionDependencies {
  /** The machine's, which says nothing once the database was asked: servers reckon in the database's. */
  readonly clock: Clock;
  readonly monotonicMillis: MonotonicMillis;
  /** For what was asked for; standard output unless told. */
  readonly writeLine?: WriteLine;
  /** For words about it; standard error unless told. */
  readonly writeNote?: WriteLine;
}

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: { copy: { type: 'boolean' }, replace: { type: 'boolean' }, help: { type: 'boolean' } },
    }).values;
  } catch (error) {
    if (isUsageError(error)) throw new StartError(`${error.message}\n\n${ADOPT_HELP}`);
    throw error;
  }
};

const countOf = (connections: number): string =>
  connections === 1 ? '1 OAuth connection' : `${connections} OAuth connections`;

const WHAT_FOLLOWS: Readonly<Record<AdoptionKind, (connections: number, before: string) => string[]>> = {
  copy: (connections, before) => [
    `${countOf(connections)} made before ${before}: the original's. Here a token of theirs is served until it expires, and none is refreshed or revoked.`,
    'To use such a connection here, make it anew: connect its user again.',
  ],
  replace: (connections, before) => [
    `${countOf(connections)} made before ${before}: the provider is asked about each before its first refresh.`,
    'Those whose refresh token was used since the backup was made can only be mended by connecting again.',
  ],
};

/**
 * `authpipe adopt --copy | --replace`: prints the deployment's id, and in words what was done and what follows.
 * @throws StartError with a sentence for the person at the terminal
 */
export const runAdoptCommand = async (
  args: readonly string[],
  {
    writeLine = writeToStdout,
    writeNote = writeToStderr,
    clock: machineClock,
    monotonicMillis,
    ...dependencies
  }: AdoptCommandDependencies,
): Promise<void> => {
  const { copy = false, replace = false, help = false } = parse(args);
  if (help) {
    writeLine(ADOPT_HELP.trimEnd());
    return;
  }
  if (copy === replace) throw new StartError(`Say which of the two it is.\n\n${ADOPT_HELP}`);
  const kind = copy ? 'copy' : 'replace';
  const clock = createDatabaseClock({ db: dependencies.db, clock: machineClock, monotonicMillis });
  await clock.ask();
  const adoption = await adoptDatabase({ ...dependencies, clock }, kind);
  await appendAudit(dependencies.db, {
    ...{ environment: '', tenantId: null, action: 'deployment.adopted', time: clock.now() },
    details: { kind, deploymentId: adoption.deploymentId, formerId: adoption.formerId },
  });
  const { deploymentId, formerId, before, connections, file } = adoption;
  const isRenamed = formerId !== null && formerId !== deploymentId;
  writeLine(deploymentId);
  writeNote(
    `This database is now the deployment ${deploymentId}${isRenamed ? `; it was a ${copy ? 'copy' : 'database'} of ${formerId}` : ''}.`,
  );
  for (const line of WHAT_FOLLOWS[kind](connections, before.toISOString())) writeNote(line);
  writeNote(
    file.fault === null
      ? `Kept in ${file.path}. Servers that run see it within seconds. One with another AUTHPIPE_DATA_DIR needs AUTHPIPE_DEPLOYMENT_ID=${deploymentId} from its next start on.`
      : `It can't be kept in ${file.path} (${file.fault}): set AUTHPIPE_DEPLOYMENT_ID=${deploymentId} on every server.`,
  );
};
