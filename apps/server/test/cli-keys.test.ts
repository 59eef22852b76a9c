import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createApiKeys } from '../src/access/api-key-store.js';
import { HELP } from '../src/cli/help.js';
import { runKeysCommand } from '../src/cli/keys-command.js';
import { runMigrateCommand } from '../src/cli/migrate-command.js';
import { formatTable } from '../src/cli/table.js';
import type { Database } from '../src/db/database.js';
import { systemRandomness } from '../src/randomness.js';
import { openTestDatabase } from './support/databases.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const clock = { now: () => NOW };

describe('authpipe keys', () => {
  let db: Database;
  /** Standard output: what a script would take. */
  let lines: string[];
  /** Standard error: words for a person. */
  let notes: string[];
  beforeAll(async () => {
    db = await openTestDatabase();
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    lines = [];
    notes = [];
    await db.prisma.apiKey.deleteMany();
  });
  const keys = (...args: string[]) =>
    runKeysCommand(args, {
      db,
      clock,
      randomness: systemRandomness,
      writeLine: (line) => {
        lines.push(line);
      },
      writeNote: (note) => {
        notes.push(note);
      },
    });
  const verify = (key: string) =>
    createApiKeys({ db, clock, randomness: systemRandomness }).verifyApiKey(key);

  it('create prints a key that works, for everything in test unless told', async () => {
    await keys('create', '--name', 'deploy');
    expect(lines).toEqual([expect.stringMatching(/^ap_test_[A-Za-z0-9_-]{43}$/)]);
    expect(notes.join(' ')).toContain("can't be shown again");
    expect(notes.join(' ')).not.toContain(lines[0]);
    expect(await verify(lines[0] ?? '')).toMatchObject({
      environment: 'test',
      scopes: ['admin'],
      tenantId: null,
    });
  });

  it('create takes environment, scopes, tenant and expiry', async () => {
    await keys(
      ...['create', '--name', 'acme', '--env', 'live', '--scopes', 'credentials:read, connections:read'],
      ...['--tenant', 'org_acme', '--expires-in-days', '30'],
    );
    expect(lines[0]).toMatch(/^ap_live_/);
    expect(await verify(lines[0] ?? '')).toMatchObject({
      scopes: ['credentials:read', 'connections:read'],
      tenantId: 'org_acme',
    });
    expect(notes.join()).not.toContain('--scopes');
    const row = await db.prisma.apiKey.findFirstOrThrow();
    expect(row.expiresAt).toEqual(new Date('2026-03-31T12:00:00Z'));
  });

  it('list tells them apart and shows no key', async () => {
    await keys('create', '--name', 'first', '--env', 'live');
    await keys('create', '--name', 'second', '--expires-in-days', '1');
    const [first, second] = lines;
    lines = [];
    await keys('list');
    const shown = lines.join('\n');
    expect(lines).toHaveLength(3);
    expect(shown).toContain('first');
    expect(shown).toContain('valid until 2026-03-02T12:00:00.000Z');
    expect(shown).toContain(`${first?.slice(0, 12)}…`);
    expect(shown).not.toContain(first);
    expect(shown).not.toContain(second);
    lines = [];
    await keys('list', '--env', 'live');
    expect(lines).toHaveLength(2);
  });

  it('list says how to make the first', async () => {
    await keys('list');
    expect(notes).toEqual(['There are no API keys: make one with `authpipe keys create --name NAME`.']);
    expect(lines).toEqual([]);
  });

  it('revoke ends a key, and list says so', async () => {
    await keys('create', '--name', 'leaked');
    const [key] = lines;
    const id = /keys revoke (\S+)$/.exec(notes[0] ?? '')?.[1] ?? '';
    await keys('revoke', id);
    await expect(verify(key ?? '')).rejects.toMatchObject({ code: 'unauthorized' });
    await keys('list');
    expect(lines.at(-1)).toContain('revoked 2026-03-01T12:00:00.000Z');
  });

  it.each([
    [['create'], '--name'],
    [['create', 'deploy'], '--name'],
    [
      ['create', '--name', 'x', '--scopes', 'everything'],
      'There is no scope "everything". There are: credentials:read',
    ],
    [['create', '--name', 'x', '--env', 'Live'], 'environment must be a lower-case word'],
    [['create', '--name', 'x', '--tenant', ''], 'tenantId must not be empty'],
    [['create', '--name', 'x', '--expires-in-days', '0'], 'whole number of days'],
    [['create', '--name', 'x', '--expires-in-days', '1e3'], 'whole number of days'],
    [['create', '--nmae', 'x'], '--nmae'],
    [['revoke'], 'Say which key'],
    [['revoke', 'key_unknown'], 'There is no API key key_unknown'],
    [['rotate'], 'There is no command "keys rotate"'],
    [['toString'], 'There is no command "keys toString"'],
  ])('%j is answered with a sentence, and makes nothing', async (args, told) => {
    const run = keys(...args);
    await expect(run).rejects.toMatchObject({ name: 'StartError' });
    await expect(run).rejects.toThrow(told);
    expect(await db.prisma.apiKey.count()).toBe(0);
    expect(lines).toEqual([]);
  });

  it('help is what it prints without a command', async () => {
    await keys();
    await keys('help');
    expect(lines[0]).toContain('Usage: authpipe keys create');
    expect(lines[1]).toBe(lines[0]);
    expect(HELP).toContain('authpipe keys help');
  });

  it('migrate tells where the schema stands', async () => {
    await runMigrateCommand({
      db,
      writeNote: (note) => {
        notes.push(note);
      },
    });
    expect(notes[0]).toMatch(/up to date \(last migration: \d{14}_\w+\)/);
  });
});

it('columns of a table are as wide as their longest cell', () => {
  expect(
    formatTable(
      ['ID', 'NAME'],
      [
        ['1', 'a'],
        ['long', ''],
      ],
    ),
  ).toEqual(['ID    NAME', '1     a', 'long']);
});
