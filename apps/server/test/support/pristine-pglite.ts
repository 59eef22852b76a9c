import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll } from '@jest/globals';
import { applyMigrations, readMigrations } from '../../src/db/apply-migrations.js';
import type { Database } from '../../src/db/database.js';
import { overPglite } from '../../src/db/embedded.js';
import { createLogger } from '../../src/log/logger.js';
import { type Pristine, type Run, rememberPristine, restorePristine } from './pristine.js';

type Kept = { readonly pglite: PGlite; readonly run: Run; readonly pristine: Pristine };

const idle: Kept[] = [];

afterAll(async () => {
  for (const { pglite } of idle.splice(0)) await pglite.close();
});

/** Making a cluster takes seconds more than a copy of one. One snapshot for each state of the migrations. */
const snapshotPath = (): string => {
  const checksums = readMigrations().map(({ checksum }) => checksum);
  const name = createHash('sha256').update(checksums.join()).digest('hex');
  return join(tmpdir(), 'authpipe-test-snapshots', `${name}.tar`);
};

/** Node's own Blob hands out tens of megabytes in small pieces, which takes as long as the rest of a start. */
class SnapshotBlob extends Blob {
  readonly #path: string;
  constructor(path: string) {
    super([]);
    this.#path = path;
  }
  override async arrayBuffer(): Promise<ArrayBuffer> {
    return new Uint8Array(readFileSync(this.#path)).buffer;
  }
}

const start = async (): Promise<PGlite> => {
  const path = snapshotPath();
  if (existsSync(path)) return PGlite.create({ loadDataDir: new SnapshotBlob(path) });
  const pglite = await PGlite.create();
  await applyMigrations(overPglite(pglite), createLogger('silent'));
  // Otherwise each copy would replay the migrations' log.
  await pglite.query('CHECKPOINT');
  const dump = await pglite.dumpDataDir('none');
  mkdirSync(join(path, '..'), { recursive: true });
  // Renamed into place, since other test files may do the same now.
  const partial = `${path}.${randomUUID()}`;
  writeFileSync(partial, Buffer.from(await dump.arrayBuffer()));
  renameSync(partial, path);
  return pglite;
};

const take = async (): Promise<Kept> => {
  for (let kept = idle.pop(); kept; kept = idle.pop()) {
    await kept.pglite.exec('ROLLBACK');
    await kept.pglite.exec('DISCARD ALL');
    if (await restorePristine(kept.run, kept.pristine)) return kept;
    await kept.pglite.close();
  }
  const pglite = await start();
  const run: Run = async <Row>(sql: string, values?: unknown[]) =>
    (await pglite.query<Row>(sql, values)).rows;
  return { pglite, run, pristine: await rememberPristine(run) };
};

/** The same PGlite until it is revoked: then whoever still uses it gets a TypeError. Tells of each channel listened to. */
const revocable = (pglite: PGlite, onListen: (channel: string) => void) =>
  Proxy.revocable(pglite, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'listen') onListen(String(args[0]));
        return Reflect.apply(value, target, args);
      };
    },
  });

/** A fresh embedded database with the whole schema. */
export const openPristinePglite = async (): Promise<Database> => {
  const kept = await take();
  const channels = new Set<string>();
  const { proxy, revoke } = revocable(kept.pglite, (channel) => channels.add(channel));
  const db = overPglite(proxy);
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await db.prisma.$disconnect();
    for (const channel of channels) await kept.pglite.unlisten(channel);
    revoke();
    idle.push(kept);
  };
  return { ...db, close };
};
