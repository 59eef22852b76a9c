import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { asActor } from '../src/actor.js';
import { runAuditCommand } from '../src/cli/audit-command.js';
import { commandActor } from '../src/cli/command-actor.js';
import { HELP } from '../src/cli/help.js';
import { runKeysCommand } from '../src/cli/keys-command.js';
import type { Database } from '../src/db/database.js';
import { FolderInUseError } from '../src/errors/folder-in-use-error.js';
import { systemRandomness } from '../src/randomness.js';
import { ROOT_KEY, startAudit } from './support/audit-world.js';
import { openTestDatabase } from './support/databases.js';
import { testClock } from './support/world.js';

describe('authpipe audit', () => {
  const clock = testClock();
  let db: Database;
  let lines: string[];
  let notes: string[];
  beforeEach(async () => {
    db = await openTestDatabase();
    [lines, notes] = [[], []];
    await keys('create', '--name', 'one', '--tenant', 'org_acme');
    await keys('create', '--name', 'two', '--tenant', 'org_acme');
    await (await startAudit(db, clock)).chainEntries();
    lines = [];
  });
  afterEach(() => db.close());

  const written = {
    writeLine: (line: string) => void lines.push(line),
    writeNote: (note: string) => void notes.push(note),
  };
  const keys = (...args: string[]) =>
    asActor(commandActor('keys create'), () =>
      runKeysCommand(args, { db, clock, randomness: systemRandomness, ...written }),
    );
  const audit = (...args: string[]) =>
    runAuditCommand(args, {
      ...{ clock, randomness: systemRandomness, ...written },
      withDatabase: (run) => run(db),
      rootKeys: () => [ROOT_KEY],
    });
  const file = (content: readonly string[]): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'authpipe-audit-')), 'audit.jsonl');
    writeFileSync(path, content.join('\n'));
    return path;
  };
  const tamper = async (sql: string) => {
    await db.prisma.$executeRawUnsafe('ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_kept');
    await db.prisma.$executeRawUnsafe(sql);
  };

  it('verify says that all is intact', async () => {
    await audit('verify');
    expect(lines).toEqual(['Intact: 2 chains, 3 entries.']);
    await keys('create', '--name', 'three');
    lines = [];
    await audit('verify', '--env', 'test', '--tenant', 'org_acme');
    expect(lines).toEqual(['Intact: 1 chain, 2 entries.']);
    await audit('verify');
    expect(notes.at(-1)).toContain('1 entry not in a chain yet');
  });

  it('verify names the entry that was changed, and fails', async () => {
    await tamper(
      `UPDATE audit_entries SET content = jsonb_set(content, '{details,name}', '"other"') WHERE tenant_id = 'org_acme' AND position = 2`,
    );
    await expect(audit('verify')).rejects.toThrow('The audit is not as it was written: 1 fault.');
    expect(lines).toEqual([
      'changed: environment test, tenant org_acme, entry 2: who, where, result or details is not what was written',
    ]);
  });

  it('verify and heads fail where there is nothing to prove', async () => {
    await expect(audit('verify', '--tenant', 'nobody')).rejects.toThrow('look at --env and --tenant');
    const empty = await openTestDatabase();
    const inEmpty = (command: string) =>
      runAuditCommand([command], {
        ...{ clock, randomness: systemRandomness, ...written },
        withDatabase: (run) => run(empty),
        rootKeys: () => [ROOT_KEY],
      });
    await expect(inEmpty('verify')).rejects.toThrow('nothing is proved: is DATABASE_URL');
    await expect(inEmpty('heads')).rejects.toThrow('nothing is proved');
    expect(lines).toEqual([]);
    await empty.close();
  });

  it('verify needs the root key', async () => {
    const withOther = runAuditCommand(['verify'], {
      ...{ clock, randomness: systemRandomness, ...written },
      withDatabase: (run) => run(db),
      rootKeys: () => [Buffer.alloc(32, 8)],
    });
    await expect(withOther).rejects.toThrow('put the right key there');
  });

  it('heads are anchors that verify takes', async () => {
    await audit('heads');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { environment: 'test', tenantId: null, position: 1 },
      { environment: 'test', tenantId: 'org_acme', position: 2 },
    ]);
    const anchors = file(lines);
    // As they were printed before.
    const older = file(lines.map((line) => line.replace('null', '""')));
    lines = [];
    await audit('verify', '--anchors', anchors);
    await audit('verify', '--anchors', older);
    expect(lines).toEqual(['Intact: 2 chains, 3 entries.', 'Intact: 2 chains, 3 entries.']);
    await tamper('DELETE FROM audit_entries');
    await tamper('DELETE FROM audit_heads');
    lines = [];
    await expect(audit('verify')).rejects.toThrow('1 fault');
    expect(lines[0]).toContain('chain_missing: environment (deployment), the product itself: all chains');
    await expect(audit('verify', '--anchors', anchors)).rejects.toThrow('3 faults');
    await expect(audit('verify', '--anchors', file(['no json']))).rejects.toThrow('holds no lines');
  });

  it('export prints JSON lines, which verify checks without the database', async () => {
    await audit('export', '--env', 'test', '--tenant', 'org_acme');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({
      ...{ action: 'key.created', who: { type: 'command', command: 'keys create' }, where: null },
      details: { name: 'one' },
    });
    const exported = lines;
    const check = (content: readonly string[]) => {
      lines = [];
      return runAuditCommand(['verify', '--file', file(content)], {
        ...{ clock, randomness: systemRandomness, ...written },
        withDatabase: () => Promise.reject(new Error('needs no database')),
        rootKeys: () => [],
      });
    };
    await check(exported);
    expect(lines).toEqual(['Intact: 2 entries, from 1 to 2.']);
    expect(notes.join()).not.toContain('No entry before');
    await expect(check(exported.map((line) => line.replace('"name":"two"', '"name":"2"')))).rejects.toThrow(
      '1 fault',
    );
    expect(lines[0]).toContain('tenant org_acme, entry 2');
    await expect(check(['{}'])).rejects.toThrow('is no export');
  });

  it('accept goes on with a chain that was cut off, and verify still names that', async () => {
    await tamper(`DELETE FROM audit_entries WHERE tenant_id = 'org_acme' AND position = 2`);
    await audit('accept', '--env', 'test', '--tenant', 'org_acme');
    expect(notes.at(-1)).toBe('The chain goes on after entry 1. verify still names what is wrong before.');
    await expect(audit('verify')).rejects.toThrow('1 fault');
    expect(lines).toEqual([
      'cut_off: environment test, tenant org_acme, entry 2: entry 2 was cut off before it was accepted',
    ]);
  });

  it('accept fails where there is no chain or nothing wrong with it, and changes nothing', async () => {
    const refused = 'There is no audit of that environment and tenant, so there is nothing to accept';
    await expect(audit('accept', '--env', 'test', '--tenant', 'org_acmee')).rejects.toThrow(refused);
    await expect(audit('accept', '--env', 'tset')).rejects.toThrow(refused);
    await expect(audit('accept', '--env', 'test')).rejects.toThrow(
      'Servers go on with that chain by themselves',
    );
    await (await startAudit(db, clock)).chainEntries();
    await audit('verify');
    expect(lines).toEqual(['Intact: 2 chains, 3 entries.']);
  });

  it('verify says of a file from where it goes, and which entries have no contents', async () => {
    await audit('export', '--env', 'test', '--tenant', 'org_acme');
    const [head = '', first = '', second = ''] = lines;
    const begin = { firstPosition: 2, previousHash: JSON.parse(first).hash };
    const none = { salt: null, who: null, where: null, result: null, details: null };
    const cut = [
      { ...JSON.parse(head), ...begin },
      { ...JSON.parse(second), ...none },
    ];
    lines = [];
    await audit('verify', '--file', file(cut.map((line) => JSON.stringify(line))));
    expect(lines).toEqual(['Intact: 1 entry, from 2 to 2.']);
    expect(notes).toEqual(
      expect.arrayContaining([
        'No entry before 2 is in it: retention forgot them, or somebody cut them off.',
        '1 entry without contents: the tenant was erased, or somebody took them out.',
      ]),
    );
  });

  it('verify compares an exported chain with the anchors that are of it', async () => {
    await audit('heads');
    const anchors = file(lines);
    await keys('create', '--name', 'three', '--tenant', 'org_acme');
    await (await startAudit(db, clock)).chainEntries();
    lines = [];
    await audit('export', '--env', 'test', '--tenant', 'org_acme');
    const exported = file(lines);
    [lines, notes] = [[], []];
    await audit('verify', '--file', exported, '--anchors', anchors);
    expect(lines).toEqual(['Intact: 3 entries, from 1 to 3.']);
    expect(notes[0]).toBe('Up to entry 2 they are those of the anchors.');
    const other = readFileSync(anchors, 'utf8').replaceAll(
      /"hash":"[0-9a-f]{64}"/g,
      `"hash":"${'0'.repeat(64)}"`,
    );
    lines = [];
    await expect(audit('verify', '--file', exported, '--anchors', file([other]))).rejects.toThrow('1 fault');
    expect(lines).toEqual([
      'changed: environment test, tenant org_acme, entry 2: it is not the entry that was there when the anchor was written down',
    ]);
    const [ofProduct = ''] = readFileSync(anchors, 'utf8').split('\n');
    await expect(audit('verify', '--file', exported, '--anchors', file([ofProduct]))).rejects.toThrow(
      'No anchor is of an entry in that file',
    );
  });

  it('verify says where an exported chain ends before its anchor', async () => {
    await audit('export', '--env', 'test', '--tenant', 'org_acme');
    const exported = file(lines);
    lines = [];
    await audit('heads');
    const older = [...lines];
    await keys('create', '--name', 'three', '--tenant', 'org_acme');
    await (await startAudit(db, clock)).chainEntries();
    lines = [];
    await audit('heads');
    const anchors = file([...older, ...lines]);
    [lines, notes] = [[], []];
    await audit('verify', '--file', exported, '--anchors', anchors);
    expect(notes.slice(0, 2)).toEqual([
      'Up to entry 2 they are those of the anchors.',
      'The chain went to entry 3 when an anchor was written down: the file is older, or its end was cut off.',
    ]);
  });

  it.each([
    ['verify', 'GET /v1/audit/verify'],
    ['export', 'GET /v1/audit/export'],
    ['heads', 'stop the server for it'],
    ['accept', 'stop the server for it'],
  ])('%s says what to do while a server has the embedded database open', async (command, way) => {
    const refused = runAuditCommand([command, '--env', 'test'], {
      ...{ clock, randomness: systemRandomness, ...written },
      withDatabase: () => Promise.reject(new FolderInUseError('/data/database')),
      rootKeys: () => [ROOT_KEY],
    });
    await expect(refused).rejects.toThrow(way);
    await expect(refused).rejects.not.toThrow('another AUTHPIPE_DATA_DIR');
  });

  it.each(['verify', 'heads', 'export', 'accept'])('%s --help says how it is used', async (command) => {
    await audit(command, '--help');
    expect(lines.join()).toContain('Usage: authpipe audit verify');
  });

  it('says how it is used', async () => {
    expect(HELP).toContain('audit verify');
    await audit('help');
    expect(lines.join()).toContain('--anchors FILE');
    await expect(audit('mend')).rejects.toThrow('There is no command "audit mend"');
    await expect(audit('export')).rejects.toThrow('--env');
    await expect(audit('verify', '--nonsense')).rejects.toThrow('Usage');
    await expect(audit('verify', '--file', '/nowhere/x', '--env', 'test')).rejects.toThrow(
      '--file goes without',
    );
    await expect(audit('verify', '--file', '/nowhere/x')).rejects.toThrow("can't be read");
  });
});
