import type { AuditVerification } from '@authpipe/types';
import { expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import type { Database } from '../src/db/database.js';
import { systemRandomness } from '../src/randomness.js';
import { openVault } from '../src/vault/open-vault.js';
import { rootKeyOf } from '../src/vault/root-key.js';
import { ROOT_KEY, startAudit } from './support/audit-world.js';
import { chainHands, DAY, faultsOf, OF_ACME, type StartedAudit } from './support/chain-hands.js';
import { describeEachEngine } from './support/databases.js';
import type { TestClock } from './support/world.js';

describeEachEngine('an audit chain that was taken out as a whole', (open) => {
  let db: Database;
  let clock: TestClock;
  let audit: StartedAudit;
  const { write, tamper, accept } = chainHands(open, (begun) => {
    ({ db, clock, audit } = begun);
  });

  it('misses a chain that was taken out as a whole, also when it began anew', async () => {
    await write('org_acme', 5);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'chain_missing']]);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'chain_restarted']]);
  });

  it('misses the product’s own chain, also when it began anew', async () => {
    await write('org_acme', 2);
    await write(null, 2);
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE tenant_id = ''`);
    await tamper(`DELETE FROM audit_heads WHERE tenant_id = ''`);
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
    await write(null);
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_restarted']]);
    expect(faultsOf(await audit.verify({ tenantId: 'org_acme' }))).toEqual([[null, null, 'chain_restarted']]);
  });

  it('finds no fault in chains that begin while it looks', async () => {
    await write('org_acme');
    await audit.chainEntries();
    let isOver = false;
    const begin = async () => {
      for (let tenant = 0; tenant < 20; tenant += 1) {
        await write(`org_${tenant}`);
        await audit.chainEntries();
      }
      isOver = true;
    };
    const found: AuditVerification[] = [];
    const look = async () => {
      while (!isOver) found.push(await audit.verify());
    };
    await Promise.all([begin(), look(), look()]);
    expect(found.flatMap(faultsOf)).toEqual([]);
    expect(found.length).toBeGreaterThan(0);
  });

  it('misses all chains together, also when they began anew', async () => {
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 0 });
    await write('org_acme', 2);
    await audit.chainEntries();
    clock.move(2 * 3_600);
    await tamper('DELETE FROM audit_entries');
    await tamper('DELETE FROM audit_heads');
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_restarted']]);
  });

  it('misses a chain that was taken out as a whole however long ago it began, until a person had it go on', async () => {
    await write('org_acme');
    await write('org_beta');
    await audit.chainEntries();
    for (let month = 0; month < 3; month += 1) {
      clock.move(31 * DAY);
      await write('org_acme', 3);
      await audit.chainEntries();
      await audit.sweep(clock.now());
      expect(await audit.verify()).toMatchObject({ intact: true });
      await audit.chainEntries();
      expect(await audit.verify()).toMatchObject({ intact: true, chains: 3, entries: 5 });
    }
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    const missing = [['org_acme', null, 'chain_missing']];
    expect(faultsOf(await audit.verify())).toEqual(missing);
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual(missing);
    expect(await accept('org_acme')).toEqual({ position: 0 });
    expect(faultsOf(await audit.verify())).toEqual(missing);
    clock.move(31 * DAY);
    await audit.chainEntries();
    await audit.sweep(clock.now());
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    expect(await audit.verify()).toMatchObject({ intact: true });
  });

  it('misses an old chain that was taken out as a whole and began anew', async () => {
    await write('org_acme', 3);
    await audit.chainEntries();
    clock.move(31 * DAY);
    await audit.sweep(clock.now());
    await audit.chainEntries();
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME}`);
    await tamper(`DELETE FROM audit_heads WHERE ${OF_ACME}`);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([['org_acme', null, 'chain_restarted']]);
  });

  it('compares what was written down before with the chains that are asked about, and no others', async () => {
    await write('org_acme', 3);
    await write('org_beta', 3);
    await audit.chainEntries();
    const anchors = await audit.heads();
    clock.move(20 * DAY);
    await write('org_acme');
    await write('org_beta', 3);
    await audit.chainEntries();
    clock.move(11 * DAY);
    await audit.sweep(clock.now());
    const ofAcme = { environment: 'test', tenantId: 'org_acme' };
    expect(await audit.verify(ofAcme, anchors)).toMatchObject({ intact: true, faults: [] });
    const wrong = anchors.map((anchor) => ({ ...anchor, position: anchor.position + 1 }));
    expect(faultsOf(await audit.verify(ofAcme, wrong))).toEqual([['org_acme', 4, 'changed']]);
  });

  it('finds a database that was put back by what was written down before', async () => {
    await write('org_acme', 2);
    await audit.chainEntries();
    const rows = await db.prisma.auditHead.findMany();
    await write('org_acme', 2);
    await audit.chainEntries();
    const anchors = await audit.heads();
    const acme = rows.find(({ tenantId }) => tenantId === 'org_acme');
    await tamper(`DELETE FROM audit_entries WHERE ${OF_ACME} AND position > 2`);
    await db.prisma.auditHead.updateMany({ where: { tenantId: 'org_acme' }, data: { ...acme } });
    // All is as it once was: nothing in the database tells.
    expect(await audit.verify()).toMatchObject({ intact: true });
    expect(faultsOf(await audit.verify({}, anchors))).toEqual([['org_acme', 4, 'cut_off']]);
  });

  const takeAllOut = async () => {
    await tamper('DELETE FROM audit_entries');
    await tamper('DELETE FROM audit_heads');
  };
  /** A connection as it is after the server made it and audited that. */
  const connect = (createdAt: Date) =>
    db.prisma.connection.create({
      data: {
        ...{ id: 'conn_0', environment: 'test', integrationId: 'jumpcloud', provider: 'jumpcloud' },
        ...{
          authMethod: 'api_key',
          kind: 'api_key',
          tenantId: 'org_acme',
          owner: 'tenant',
          userId: '',
          label: 'default',
        },
        ...{ status: 'healthy', requestedScopes: [], scopes: [], config: {}, metadata: {} },
        ...{ createdAt, updatedAt: createdAt, since: createdAt },
      },
    });

  it('misses all chains also when the key of the seals was made to look younger', async () => {
    await write('org_acme', 2);
    await audit.chainEntries();
    clock.move(2 * 3_600);
    await takeAllOut();
    await tamper(`UPDATE audit_keys SET created_at = created_at + interval '2 hours'`);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_restarted']]);
  });

  it('misses the key of the seals where there are chains', async () => {
    await write('org_acme', 2);
    await audit.chainEntries();
    await tamper('DELETE FROM audit_keys');
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
  });

  const makeKey = (createdAt: Date) =>
    db.prisma.apiKey.create({
      data: {
        ...{ id: 'key_0', name: 'one', environment: 'test', hash: new Uint8Array(32), prefix: 'ap_test_' },
        ...{ scopes: ['admin'], createdAt },
      },
    });

  it.each([
    ['a connection', connect],
    ['an API key', makeKey],
  ])('misses all chains and the key by %s that is older, also when they began anew', async (_what, make) => {
    await make(clock.now());
    await write('org_acme', 2);
    expect(await audit.verify()).toMatchObject({ intact: true, waiting: 2 });
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true });
    clock.move(2 * 3_600);
    await takeAllOut();
    await tamper('DELETE FROM audit_keys');
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
    audit = await startAudit(db, clock);
    await write('org_acme');
    await audit.chainEntries();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_restarted']]);
  });

  it('takes nothing that was made before the audit was there for what it should tell of', async () => {
    await makeKey(addSeconds(clock.now(), -400 * DAY));
    // Nor of some days after: servers of before are on their way out.
    await connect(addSeconds(clock.now(), 2 * DAY));
    expect(await audit.verify()).toMatchObject({ intact: true, chains: 0 });
    clock.move(20 * DAY);
    await write('org_acme');
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, faults: [], chains: 2 });
  });

  it('reads a key of the seals from before its time was sealed with it', async () => {
    const vault = await openVault({
      db,
      clock,
      randomness: systemRandomness,
      rootKeys: [rootKeyOf(ROOT_KEY)],
    });
    const place = { environment: '', tenantId: '', record: 'audit', field: 'seal-key', version: 1 };
    const envelope = await vault.seal(place, systemRandomness.bytes(32).toString('base64'));
    await db.prisma.auditKey.create({
      data: { place: 'this', envelope: new Uint8Array(envelope), createdAt: clock.now() },
    });
    await write('org_acme', 2);
    await audit.chainEntries();
    expect(await audit.verify()).toMatchObject({ intact: true, entries: 3 });
    clock.move(2 * 3_600);
    await takeAllOut();
    expect(faultsOf(await audit.verify())).toEqual([[null, null, 'chain_missing']]);
  });
});
