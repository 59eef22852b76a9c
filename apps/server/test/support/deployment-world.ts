import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { addSeconds } from '../../src/clock.js';
import type { Database } from '../../src/db/database.js';
import { type AdoptionKind, adoptDatabase } from '../../src/deployment/adopt.js';
import { type DeploymentDependencies, openDeployment } from '../../src/deployment/open-deployment.js';
import { createLogger } from '../../src/log/logger.js';
import { newId, systemRandomness } from '../../src/randomness.js';

export const ROOT_KEY_ID = 'rk_first';

/** Folders, logs and time of servers that start on one database, and on copies of it. */
export const deploymentWorld = () => {
  const root = mkdtempSync(join(tmpdir(), 'authpipe-deployment-'));
  let offsetSeconds = 0;
  let logged = '';
  const clock = { now: () => addSeconds(new Date('2026-03-01T12:00:00Z'), offsetSeconds) };
  const log = createLogger(
    'info',
    new Writable({
      write(chunk, _encoding, done) {
        logged += String(chunk);
        done();
      },
    }),
  );
  const move = (seconds: number): void => {
    offsetSeconds += seconds;
  };
  const fileOf = (dataDir: string): string => join(dataDir, 'deployment.json');
  return {
    clock,
    move,
    newFolder: (): string => mkdtempSync(join(root, 'data-')),
    fileOf,
    remembered: (dataDir: string) => JSON.parse(readFileSync(fileOf(dataDir), 'utf8')),
    remember: (dataDir: string, text: string) => writeFileSync(fileOf(dataDir), text),
    /** What was logged since the last call. */
    takeLog(): string {
      const said = logged;
      logged = '';
      return said;
    },
    /** A server's start. Its waits move the time, and `meanwhile` is what others do then. */
    start: (
      db: Database,
      dataDir: string,
      {
        meanwhile = async () => {},
        ...more
      }: Partial<DeploymentDependencies> & { meanwhile?: () => Promise<void> } = {},
    ) =>
      openDeployment({
        db,
        clock,
        log,
        dataDir,
        randomness: systemRandomness,
        rootKeyIds: [ROOT_KEY_ID],
        givenId: null,
        sleep: async (millis) => {
          move(millis / 1000);
          await meanwhile();
        },
        ...more,
      }),
    /** An adoption. Its waits move the time, and `meanwhile` is what others do then. */
    adopt: (
      db: Database,
      dataDir: string,
      kind: AdoptionKind,
      givenId: string | null = null,
      meanwhile: () => Promise<void> = async () => {},
    ) =>
      adoptDatabase(
        {
          ...{ db, dataDir, givenId, clock, randomness: systemRandomness },
          sleep: async (millis) => {
            move(millis / 1000);
            await meanwhile();
          },
        },
        kind,
      ),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
};

export type DeploymentWorld = ReturnType<typeof deploymentWorld>;

/** A connection as a server made it at a moment, with nothing in its envelope. */
export const plantConnection = async (db: Database, issuedAt: Date, kind = 'oauth2'): Promise<void> => {
  const id = newId('conn', systemRandomness);
  await db.query(
    'test_plant_connection',
    `WITH made AS (
       INSERT INTO connections (id, environment, integration_id, tenant_id, owner, user_id, label, provider, auth_method,
         kind, status, since, metadata, requested_scopes, scopes, config, created_at, updated_at)
       VALUES ($1, 'test', 'okta', 'org_acme', 'user', $1, 'default', 'okta', 'oauth2', $3, 'healthy', $2, '{}', '{}', '{}',
         '{}', $2, $2) RETURNING id)
     INSERT INTO credentials (connection_id, environment, tenant_id, version, envelope, token_type, issued_at)
     SELECT id, 'test', 'org_acme', 1, '\\x00', 'Bearer', $2 FROM made`,
    [id, issuedAt, kind],
  );
};
