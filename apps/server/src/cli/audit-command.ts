import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type AuditFault, appId } from '@authpipe/types';
import { acceptChain } from '../audit/accept-chain.js';
import { openAuditKey } from '../audit/audit-key-store.js';
import { exportChain } from '../audit/export-audit.js';
import { createVerifyAudit } from '../audit/verify-audit.js';
import { verifyExport } from '../audit/verify-export.js';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { StartError } from '../errors/start-error.js';
import type { Randomness } from '../randomness.js';
import { orAskServer } from './ask-server.js';
import { AUDIT_HELP } from './help.js';
import { lineOfAnchor, readAnchors } from './read-anchors.js';
import { isUsageError } from './usage-error.js';
import { type WriteLine, writeNote as writeToStderr, writeLine as writeToStdout } from './write-line.js';

/** What `authpipe audit` works with. */
export interface AuditCommandDependencies {
  /** Opens the database for a while; a file is checked without one. */
  readonly withDatabase: (run: (db: Database) => Promise<void>) => Promise<void>;
  /** Without them nobody can say whether a seal is the server's. */
  readonly rootKeys: () => readonly Buffer[];
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** For what was asked for; standard output unless told. */
  readonly writeLine?: WriteLine;
  /** For words about it; standard error unless told. */
  readonly writeNote?: WriteLine;
}

const usage = (what: string): StartError => new StartError(`${what}\n\n${AUDIT_HELP}`);

const parse = <Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) => {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    if (isUsageError(error)) throw usage(error.message);
    throw error;
  }
};

const sentenceOf = ({ environment, tenantId, position, fault, detail }: AuditFault): string => {
  const where = `environment ${environment === '' ? '(deployment)' : environment}, ${tenantId === null ? 'the product itself' : `tenant ${tenantId}`}`;
  return `${fault}: ${where}${position === null ? '' : `, entry ${position}`}: ${detail}`;
};

/** Prints the faults; a command that finds some fails. @throws StartError */
const tell = (faults: readonly AuditFault[], writeLine: WriteLine): void => {
  for (const fault of faults) writeLine(sentenceOf(fault));
  if (faults.length > 0) {
    throw new StartError(
      `The audit is not as it was written: ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.`,
    );
  }
};

/** Nothing that is intact is no proof: a schedule with the wrong database must not stay green. */
const noChain = (filter: string | undefined): StartError =>
  new StartError(
    filter === undefined
      ? 'There is no audit in this database, so nothing is proved: is DATABASE_URL the one of the server?'
      : 'There is no audit of that environment and tenant, so nothing is proved: look at --env and --tenant.',
  );

const counted = (count: number, what: string): string => `${count} ${count === 1 ? what : `${what}s`}`;

/** With `entry`, `entries`. */
const entriesOf = (count: number): string => (count === 1 ? '1 entry' : `${count} entries`);

/**
 * `authpipe audit verify | heads | export | accept`.
 * @throws StartError with a sentence for the person at the terminal, also when the audit is not intact
 */
export const runAuditCommand = async (
  [command = 'help', ...args]: readonly string[],
  {
    withDatabase,
    rootKeys,
    clock,
    randomness,
    writeLine = writeToStdout,
    writeNote = writeToStderr,
  }: AuditCommandDependencies,
): Promise<void> => {
  const place = { env: { type: 'string' }, tenant: { type: 'string' } } as const;
  const keyOf = (db: Database) => openAuditKey({ db, rootKeys: rootKeys(), clock, randomness });
  const verifier = async (db: Database) => createVerifyAudit({ db, auditKey: await keyOf(db) });

  const verifyFile = async (path: string, anchorsPath: string | undefined): Promise<void> => {
    const anchors = anchorsPath === undefined ? [] : readAnchors(anchorsPath);
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
    const found = await verifyExport(lines, anchors).catch((error: unknown) => {
      throw new StartError(`${path} can't be read: name another file.`, { cause: error });
    });
    if (!found) throw new StartError(`${path} is no export of an audit: name another file.`);
    tell(found.faults, writeLine);
    const { entries, erased, firstPosition, position, anchored, anchoredBeyond } = found;
    if (anchorsPath !== undefined && anchored === null)
      throw new StartError(
        'No anchor is of an entry in that file, so nothing is proved by them: look at their environment, tenantId and position.',
      );
    writeLine(`Intact: ${entriesOf(entries)}, from ${firstPosition} to ${position}.`);
    if (anchored !== null) writeNote(`Up to entry ${anchored} they are those of the anchors.`);
    if (anchoredBeyond !== null)
      writeNote(
        `The chain went to entry ${anchoredBeyond} when an anchor was written down: the file is older, or its end was cut off.`,
      );
    // A file alone can't tell the server's hand from another's here.
    if (firstPosition > 1)
      writeNote(
        `No entry before ${firstPosition} is in it: retention forgot them, or somebody cut them off.`,
      );
    if (erased > 0)
      writeNote(`${entriesOf(erased)} without contents: the tenant was erased, or somebody took them out.`);
    if (anchored !== position)
      writeNote(`As long as this is the hash that was written down elsewhere: ${found.hash}`);
  };

  const verify = async (): Promise<void> => {
    const { env, tenant, anchors, file } = parse(args, {
      ...place,
      anchors: { type: 'string' },
      file: { type: 'string' },
    });
    if (file !== undefined) {
      if (env ?? tenant) throw usage('--file goes without --env and --tenant.');
      return verifyFile(file, anchors);
    }
    const known = anchors === undefined ? [] : readAnchors(anchors);
    await withDatabase(async (db) => {
      const found = await (await verifier(db)).verify({ environment: env, tenantId: tenant }, known);
      tell(found.faults, writeLine);
      if (found.chains === 0) throw noChain(env ?? tenant);
      writeLine(`Intact: ${counted(found.chains, 'chain')}, ${entriesOf(found.entries)}.`);
      if (found.erased > 0)
        writeNote(`${entriesOf(found.erased)} of erased tenants: their contents are gone.`);
      if (found.waiting > 0)
        writeNote(
          `${entriesOf(found.waiting)} not in a chain yet: nothing is proved of them. A running server chains them.`,
        );
    });
  };

  const heads = async (): Promise<void> => {
    const { env, tenant } = parse(args, place);
    await withDatabase(async (db) => {
      const found = await (await verifier(db)).heads({ environment: env, tenantId: tenant });
      if (found.length === 0) throw noChain(env ?? tenant);
      for (const head of found) writeLine(lineOfAnchor(head));
    });
  };

  const accept = async (): Promise<void> => {
    const { env, tenant } = parse(args, place);
    if (env === undefined) throw usage('Say of which environment, with --env.');
    await withDatabase(async (db) => {
      const dependencies = { db, clock, auditKey: await keyOf(db) };
      const accepted = await acceptChain(dependencies, { environment: env, tenantId: tenant ?? '' });
      if (accepted === 'unknown')
        throw new StartError(
          'There is no audit of that environment and tenant, so there is nothing to accept: look at --env and --tenant.',
        );
      if (accepted === 'whole')
        throw new StartError(
          'Servers go on with that chain by themselves, so there is nothing to accept: look at what verify names, and at --env and --tenant.',
        );
      writeNote(
        `The chain goes on after entry ${accepted.position}. verify still names what is wrong before.`,
      );
    });
  };

  const exportLines = async (): Promise<void> => {
    const { env, tenant } = parse(args, place);
    if (env === undefined) throw usage('Say of which environment, with --env.');
    if (tenant !== undefined && !appId.safeParse(tenant).success)
      throw usage('--tenant is no id of a tenant.');
    await withDatabase(async (db) => {
      let count = 0;
      for await (const line of exportChain(db, { environment: env, tenantId: tenant ?? '' })) {
        writeLine(line);
        count += 1;
      }
      if (count === 0) writeNote('There is no audit of that environment and tenant.');
    });
  };

  const commands = new Map([
    ['verify', { run: verify, otherwise: 'ask it instead, with GET /v1/audit/verify' }],
    ['heads', { run: heads, otherwise: 'stop the server for it' }],
    ['accept', { run: accept, otherwise: 'stop the server for it' }],
    ['export', { run: exportLines, otherwise: 'ask it instead, with GET /v1/audit/export' }],
  ]);
  const named = commands.get(command);
  if (command === 'help' || command === '--help' || (named && args.includes('--help'))) {
    writeLine(AUDIT_HELP.trimEnd());
    return;
  }
  if (!named) throw usage(`There is no command "audit ${command}".`);
  await orAskServer(named.otherwise, named.run);
};
