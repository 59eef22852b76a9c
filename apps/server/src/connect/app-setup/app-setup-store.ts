import { z } from 'zod';
import { appendAudit, auditContent, auditData, insertAudit } from '../../db/append-audit.js';
import type { Database } from '../../db/database.js';
import type { AppSetup as SetupRow } from '../../db/generated/client.js';
import type { PrivateJwk, PublicJwk } from '../../jwk.js';
import type { SecretPlace, Vault } from '../../vault/vault.js';
import type { AppSetup } from './app-setup.js';

const pairs = z.record(z.string(), z.string());
const publicJwk = z.looseObject({ kty: z.string() }).nullable();

/** What was typed of the app's place, with the key that was made for it. */
export interface SetupSettings {
  readonly config: Readonly<Record<string, string>>;
  readonly key: { readonly privateJwk: PrivateJwk; readonly publicJwk: PublicJwk } | null;
}

const auditedChange = (change: string, action: string): string => `WITH changed AS (${change}
    WHERE id = $1 AND finished_at IS NULL AND expires_at > $2::timestamptz RETURNING environment, tenant_id),
  audited AS (${insertAudit({
    environment: 'changed.environment',
    tenantId: 'changed.tenant_id',
    action: `'${action}'`,
    time: '$2::timestamptz',
    content: '$3::jsonb',
    from: 'changed',
  })}) SELECT environment FROM changed`;

const BIND = auditedChange(
  `UPDATE app_setups SET browser_hash = $4::bytea,
    session_id = CASE WHEN browser_hash = $4::bytea THEN session_id END`,
  'setup.opened',
);

const RENEW_LINK = auditedChange(
  'UPDATE app_setups SET link_hash = $4::bytea, expires_at = $5::timestamptz',
  'setup.link_made',
);

/** What the audit tells of a set-up; `settings` are the names of those that are fixed. */
const detailsOf = ({ id, integrationId, provider, given }: AppSetup) => ({
  ...{ setupId: id, integration: integrationId, provider },
  settings: Object.keys(given),
});

type Place = Pick<AppSetup, 'environment' | 'tenantId' | 'integrationId'>;

const toSetup = ({ linkHash: _hash, clientKey: _key, ...row }: SetupRow): AppSetup => ({
  ...row,
  given: pairs.parse(row.given),
  config: pairs.parse(row.config),
  clientJwk: publicJwk.parse(row.clientJwk) as PublicJwk | null,
});

const keyPlace = ({ id, environment, tenantId }: AppSetup): SecretPlace => ({
  environment,
  tenantId,
  record: id,
  field: 'setup_key',
  version: 1,
});

/**
 * Set-ups of OAuth apps that administrators work on. Links are known by their hashes alone, keys are sealed; what gives
 * somebody a set-up is audited with the change.
 */
export const createAppSetupStore = ({
  db,
  vault,
}: {
  readonly db: Pick<Database, 'prisma' | 'query'>;
  readonly vault: Vault;
}) => {
  const found = (row: SetupRow | null) => (row ? toSetup(row) : null);
  const { prisma } = db;
  const audited = (setup: AppSetup): string => JSON.stringify(auditContent(detailsOf(setup)));

  return {
    async insert({ clientJwk: _none, ...setup }: AppSetup, linkHash: Uint8Array<ArrayBuffer>): Promise<void> {
      const { browserHash, scopes } = setup;
      const hash = browserHash && new Uint8Array(browserHash);
      const created = prisma.appSetup.create({
        data: { ...setup, browserHash: hash, scopes: [...scopes], linkHash },
      });
      const { environment, tenantId, createdAt: time } = setup;
      const details = detailsOf({ ...setup, clientJwk: null });
      // One that begins in a session's browser has no link that anybody knows.
      const action = hash ? 'setup.opened' : 'setup.link_made';
      const data = auditData({ environment, tenantId, action, time, details });
      await prisma.$transaction([created, prisma.auditPending.create({ data })]);
    },

    findById: async (id: string) => found(await prisma.appSetup.findUnique({ where: { id } })),

    /** Looks at a link's set-up; that changes nothing. */
    findByLinkHash: async (linkHash: Uint8Array<ArrayBuffer>) =>
      found(await prisma.appSetup.findUnique({ where: { linkHash } })),

    /** Another one of the same place that is under way: both lead to one integration. */
    findSibling: async ({ environment, tenantId, integrationId }: Place, now: Date) =>
      found(
        await prisma.appSetup.findFirst({
          where: { environment, tenantId, integrationId, finishedAt: null, expiresAt: { gt: now } },
        }),
      ),

    /**
     * Moves it into a browser; another one that had it before is out, and the session that it came from stays there. False
     * when it is over.
     */
    async bind(setup: AppSetup, browser: Uint8Array, now: Date): Promise<boolean> {
      const values = [setup.id, now, audited(setup), Buffer.from(browser)];
      return (await db.query('app_setup_bind', BIND, values)).length > 0;
    },

    /** Gives it another link, until another time; the one before works no more. */
    async renewLink(
      setup: AppSetup,
      link: { readonly linkHash: Uint8Array; readonly expiresAt: Date },
      now: Date,
    ): Promise<boolean> {
      const values = [setup.id, now, audited(setup), Buffer.from(link.linkHash), link.expiresAt];
      return (await db.query('app_setup_renew_link', RENEW_LINK, values)).length > 0;
    },

    /** Tells the audit of a trial: what was missing, and nothing that was typed. */
    async noteTrial(setup: AppSetup, result: string, missing: readonly string[], now: Date): Promise<void> {
      const { environment, tenantId } = setup;
      const details = { ...detailsOf(setup), missing };
      await appendAudit(db, { environment, tenantId, action: 'setup.tried', time: now, result, details });
    },

    async saveSettings(setup: AppSetup, { config, key }: SetupSettings): Promise<void> {
      const clientKey =
        key && new Uint8Array(await vault.seal(keyPlace(setup), JSON.stringify(key.privateJwk)));
      await prisma.appSetup.updateMany({
        where: { id: setup.id, finishedAt: null },
        data: { config: { ...config }, ...(key ? { clientKey, clientJwk: { ...key.publicJwk } } : {}) },
      });
    },

    /** What the app signs with; null where no key was made. */
    async openKey(setup: AppSetup): Promise<PrivateJwk | null> {
      const row = await prisma.appSetup.findUnique({ where: { id: setup.id } });
      if (!row?.clientKey) return null;
      // Sealed by this server from the same type; the vault refuses anything that was altered.
      return JSON.parse(await vault.open(keyPlace(setup), row.clientKey)) as PrivateJwk;
    },

    /** Ends it with all others of its app, which could only undo it, and forgets their keys: the integration has its own. */
    async finish({ integrationRowId }: AppSetup, now: Date): Promise<void> {
      await prisma.appSetup.updateMany({
        where: { integrationRowId, finishedAt: null },
        data: { finishedAt: now, clientKey: null },
      });
    },

    /** Public keys of set-ups that are under way for an integration. */
    async keysOf(integrationRowId: string, now: Date): Promise<PublicJwk[]> {
      const rows = await prisma.appSetup.findMany({
        where: { integrationRowId, finishedAt: null, expiresAt: { gt: now } },
      });
      return rows.flatMap((row) => toSetup(row).clientJwk ?? []);
    },

    /** Deletes what ended before `before`. */
    async deleteExpired(before: Date): Promise<void> {
      await prisma.appSetup.deleteMany({ where: { expiresAt: { lt: before } } });
    },
  };
};

export type AppSetupStore = ReturnType<typeof createAppSetupStore>;
