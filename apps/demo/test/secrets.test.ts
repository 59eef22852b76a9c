import { Authpipe, type CredentialRef } from '@authpipe/node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Database } from '../../server/src/db/database.js';
import { connect } from './support/connecting.js';
import { dumpDatabase, readDataFolder, withDatabase } from './support/demo-database.js';
import { describeDemoOnEachEngine } from './support/engines.js';
import { secretsOfTokenEndpoint } from './support/org-secrets.js';
import { type PlantedRun, runWithPlantedSecrets } from './support/planted-run.js';
import type { RunningDemo } from './support/running-demo.js';
import { findSecrets, type Place, type Secret } from './support/secret-search.js';

/** No secret: the search must find it where it is, or it would find nothing at all. */
const CONTROL: Secret = { name: 'control', value: 'ada@acme.test' };

describeDemoOnEachEngine('Secrets of a whole run', (start) => {
  let demo: RunningDemo;
  let run: PlantedRun;
  let dump: Place[];
  let secrets: Secret[];

  beforeAll(async () => {
    demo = await start();
    run = await runWithPlantedSecrets(demo);
    dump = await withDatabase(demo, dumpDatabase);
    // Only now does the last trip's verifier come to light, which was sealed in the dump.
    await run.consentPage.submit({ button: 'Allow access' });
    secrets = [...run.secrets, ...secretsOfTokenEndpoint(demo.orgTraffic.exchanges)];
  });
  afterAll(() => demo?.close());

  test('were planted and collected: of every kind, and of every rotation', () => {
    const count = (kind: string) => secrets.filter(({ name }) => name.startsWith(kind)).length;
    expect(count('access_token')).toBeGreaterThanOrEqual(8);
    expect(count('refresh_token')).toBeGreaterThanOrEqual(8);
    expect(count('code_verifier')).toBeGreaterThanOrEqual(5);
    expect(count('id_token')).toBeGreaterThanOrEqual(5);
    expect(count('session token')).toBeGreaterThanOrEqual(5);
    expect(run.told.length).toBeGreaterThanOrEqual(20);
  });

  test('are in no table of the database', () => {
    expect(findSecrets([CONTROL], dump)).toContain('control in table public.connections');
    expect(findSecrets(secrets, dump)).toEqual([]);
  });

  test('are in no log at debug level', () => {
    const logs: Place = { name: 'the log', text: demo.server.printed() };
    expect(logs.text).toContain('"level":20');
    expect(logs.text).toContain('a person goes to the provider');
    expect(findSecrets(secrets, [logs])).toEqual([]);
  });

  test('are in no error, however it is serialised, and on no page', () => {
    expect(findSecrets(secrets, run.told)).toEqual([]);
  });

  test('are in no file of the data folder, log of writes included', async () => {
    const files = readDataFolder(demo);
    if (demo.settings.databaseUrl === undefined)
      expect(findSecrets([CONTROL], files).length).toBeGreaterThan(0);
    expect(findSecrets(secrets, files)).toEqual([]);
  });

  const swap = (db: Database, table: string, one: string, other: string) =>
    db.query(
      `swap-${table}`,
      `UPDATE ${table} AS mine SET envelope = theirs.envelope, version = theirs.version
       FROM ${table} AS theirs WHERE mine.connection_id IN ($1, $2) AND theirs.connection_id IN ($1, $2)
       AND mine.connection_id <> theirs.connection_id`,
      [one, other],
    );

  /** Reads without a cache. */
  const read = async (ref: CredentialRef) => {
    using client = new Authpipe({ apiKey: demo.settings.apiKey, baseUrl: demo.server.url });
    return await client.getCredential(ref);
  };

  test('do not open when they were moved between two tenants’ rows, and the answer says nothing of them', async () => {
    const [mine, theirs] = [
      await connect(demo, 'ada@acme.test', { tenantId: 'org_one' }),
      await connect(demo, 'grace@acme.test', { tenantId: 'org_two' }),
    ];
    for (const id of [mine, theirs]) await demo.authpipe.putSecret(id, 'webhook', `secret-of-${id}`);
    expect((await read({ connectionId: mine })).status).toBe('healthy');

    await withDatabase(demo, async (db) => {
      await swap(db, 'credentials', mine, theirs);
      await swap(db, 'named_secrets', mine, theirs);
    });
    for (const connectionId of [mine, theirs]) {
      await expect(read({ connectionId })).rejects.toMatchObject({ code: 'internal_error', status: 500 });
      await expect(demo.authpipe.getSecret(connectionId, 'webhook')).rejects.toMatchObject({
        code: 'internal_error',
      });
    }
    expect(demo.server.printed()).not.toContain('secret-of-');

    await withDatabase(demo, async (db) => {
      await swap(db, 'credentials', mine, theirs);
      await swap(db, 'named_secrets', mine, theirs);
    });
    expect((await read({ connectionId: mine })).account?.email).toBe('ada@acme.test');
  });

  test('do not open again once a newer version has taken their place', async () => {
    const connectionId = await connect(demo, 'ada@acme.test', { tenantId: 'org_three' });
    const envelopeOf = async (db: Database) => {
      const sql = 'SELECT envelope FROM credentials WHERE connection_id = $1';
      return (await db.query<{ envelope: Uint8Array }>('envelope', sql, [connectionId]))[0]?.envelope;
    };
    const old = await withDatabase(demo, envelopeOf);
    await demo.authpipe.refreshConnection(connectionId);
    await withDatabase(demo, (db) =>
      db.query('put-back', 'UPDATE credentials SET envelope = $2 WHERE connection_id = $1', [
        connectionId,
        old,
      ]),
    );
    await expect(read({ connectionId })).rejects.toMatchObject({ code: 'internal_error' });
  });
});
