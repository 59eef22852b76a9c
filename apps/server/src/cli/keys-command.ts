import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type ApiKeyScope, apiKeyScope } from '@authpipe/types';
import { type ApiKeyRecord, type ApiKeys, createApiKeys } from '../access/api-key-store.js';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { Problem } from '../errors/problem.js';
import { StartError } from '../errors/start-error.js';
import type { Randomness } from '../randomness.js';
import { KEYS_HELP } from './help.js';
import { formatTable } from './table.js';
import { isUsageError } from './usage-error.js';
import { type WriteLine, writeNote as writeToStderr, writeLine as writeToStdout } from './write-line.js';

/** What `authpipe keys` works with. */
export interface KeysCommandDependencies {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** For what was asked for; standard output unless told. */
  readonly writeLine?: WriteLine;
  /** For words about it; standard error unless told. */
  readonly writeNote?: WriteLine;
}

interface KeysContext {
  readonly apiKeys: ApiKeys;
  readonly clock: Clock;
  readonly writeLine: WriteLine;
  readonly writeNote: WriteLine;
}

const SECONDS_PER_DAY = 86_400;
/** Ten years: what is to last longer needs no expiry. */
const MAX_DAYS = 3650;

const parse = <Options extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: Options) => {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    if (isUsageError(error)) throw new StartError(`${error.message}\n\n${KEYS_HELP}`);
    throw error;
  }
};

const readScopes = (given: string): ApiKeyScope[] =>
  given.split(',').map((each) => {
    const scope = apiKeyScope.safeParse(each.trim());
    if (scope.success) return scope.data;
    throw new StartError(`There is no scope "${each.trim()}". There are: ${apiKeyScope.options.join(', ')}.`);
  });

const readExpiry = (given: string | undefined, now: Date): Date | null => {
  if (given === undefined) return null;
  const days = /^\d{1,4}$/.test(given) ? Number(given) : 0;
  if (days < 1 || days > MAX_DAYS) {
    throw new StartError(`--expires-in-days must be a whole number of days from 1 to ${MAX_DAYS}.`);
  }
  return addSeconds(now, days * SECONDS_PER_DAY);
};

const create = async (
  args: string[],
  { apiKeys, clock, writeLine, writeNote }: KeysContext,
): Promise<void> => {
  const { values, positionals } = parse(args, {
    name: { type: 'string' },
    env: { type: 'string', default: 'test' },
    scopes: { type: 'string', default: 'admin' },
    tenant: { type: 'string' },
    'expires-in-days': { type: 'string' },
  });
  if (values.name === undefined || positionals.length > 0) {
    throw new StartError(`Say what the key is for, with --name.\n\n${KEYS_HELP}`);
  }
  const scopes = readScopes(values.scopes);
  const { id, key } = await apiKeys.createApiKey({
    name: values.name,
    environment: values.env,
    scopes,
    tenantId: values.tenant,
    expiresAt: readExpiry(values['expires-in-days'], clock.now()),
  });
  writeLine(key);
  writeNote(`Keep it now: it can't be shown again. To revoke it: authpipe keys revoke ${id}`);
  if (scopes.includes('admin')) writeNote('It may do everything there: --scopes limits what a key may do.');
};

const stateOf = ({ revokedAt, expiresAt }: ApiKeyRecord, now: Date): string => {
  if (revokedAt !== null) return `revoked ${revokedAt.toISOString()}`;
  if (expiresAt === null) return 'valid';
  return `${expiresAt <= now ? 'expired' : 'valid until'} ${expiresAt.toISOString()}`;
};

const list = async (args: string[], { apiKeys, clock, writeLine, writeNote }: KeysContext): Promise<void> => {
  const { values } = parse(args, { env: { type: 'string' } });
  const keys = await apiKeys.listApiKeys(values.env);
  if (keys.length === 0) {
    writeNote('There are no API keys: make one with `authpipe keys create --name NAME`.');
    return;
  }
  const rows = keys.map((key) => [
    ...[key.id, key.name, `${key.prefix}…`, key.scopes.join(','), key.tenantId ?? 'all tenants'],
    stateOf(key, clock.now()),
  ]);
  for (const line of formatTable(['ID', 'NAME', 'KEY', 'SCOPES', 'TENANT', 'STATE'], rows)) writeLine(line);
};

const revoke = async (args: string[], { apiKeys, writeNote }: KeysContext): Promise<void> => {
  const { positionals } = parse(args, {});
  const [id, ...others] = positionals;
  if (id === undefined || others.length > 0) {
    throw new StartError(`Say which key, by its id of \`authpipe keys list\`.\n\n${KEYS_HELP}`);
  }
  await apiKeys.revokeApiKey(id);
  writeNote(`Revoked ${id}. Servers refuse it within 5 seconds.`);
};

const help = async (_args: string[], { writeLine }: KeysContext): Promise<void> => {
  writeLine(KEYS_HELP.trimEnd());
};

/**
 * `authpipe keys create | list | revoke`.
 * @throws StartError with a sentence for the person at the terminal
 */
export const runKeysCommand = async (
  [command = 'help', ...args]: readonly string[],
  { db, clock, randomness, writeLine = writeToStdout, writeNote = writeToStderr }: KeysCommandDependencies,
): Promise<void> => {
  const commands = new Map([
    ['create', create],
    ['list', list],
    ['revoke', revoke],
    ['help', help],
    ['--help', help],
  ]);
  const run = commands.get(command);
  if (!run) throw new StartError(`There is no command "keys ${command}".\n\n${KEYS_HELP}`);
  try {
    const apiKeys = createApiKeys({ db, clock, randomness });
    await run(args, { apiKeys, clock, writeLine, writeNote });
  } catch (error) {
    // Told alone, without a stack: the person can mend it.
    if (error instanceof Problem) throw new StartError(error.message);
    throw error;
  }
};
