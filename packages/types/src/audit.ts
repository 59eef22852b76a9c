import { z } from 'zod';

/** All that is audited. Those with a count tell of many of the same within their window in one entry. */
export const auditAction = z.enum([
  'credential.issued',
  'credential.refused',
  'credential.used',
  'credential.refreshed',
  'credential.refresh_failed',
  'secret.issued',
  'secret.stored',
  'secret.deleted',
  'session.created',
  'setup.link_made',
  'setup.opened',
  'setup.tried',
  'connect.held',
  'connect.failed',
  'connection.created',
  'connection.reconnected',
  'connection.changed',
  'connection.checked',
  'connection.deleted',
  'integration.created',
  'integration.changed',
  'integration.deleted',
  'webhook_endpoint.created',
  'webhook_endpoint.changed',
  'webhook_endpoint.secret_rotated',
  'webhook_endpoint.replayed',
  'webhook_endpoint.disabled',
  'webhook_endpoint.deleted',
  'key.created',
  'key.revoked',
  'key.used',
  'tenant.exported',
  'tenant.erased',
  'deployment.adopted',
  'audit.accepted',
  'audit.checkpoint',
  'audit.started',
]);
export type AuditAction = z.infer<typeof auditAction>;

/** An action as it is stored: a known one, or one that a newer version wrote. */
export type StoredAuditAction = AuditAction | (string & Record<never, never>);
const storedAuditAction: z.ZodType<StoredAuditAction> = z.union([auditAction, z.string()]);

/** Who did it. */
export const auditWho = z.discriminatedUnion('type', [
  /** An API key. */
  z.object({ type: z.literal('key'), id: z.string(), name: z.string().optional() }),
  /** The person of a connect session, in a browser. */
  z.object({
    type: z.literal('person'),
    sessionId: z.string(),
    tenantId: z.string(),
    owner: z.enum(['user', 'tenant']),
    userId: z.string().nullable(),
  }),
  /** Whoever holds the link of a set-up of an OAuth app, in a browser. */
  z.object({ type: z.literal('administrator'), setupId: z.string(), tenantId: z.string() }),
  /** The server by itself; `task` names the work that was due. */
  z.object({ type: z.literal('server'), task: z.string().optional() }),
  /** Somebody at the command line, by the name of their account at the operating system. */
  z.object({ type: z.literal('command'), command: z.string(), account: z.string().nullable() }),
]);
export type AuditWho = z.infer<typeof auditWho>;

/** From where. */
export const auditWhere = z.object({
  /** Address of the caller, as far as the proxies in front are trusted to tell it. */
  ip: z.string().nullable(),
  /** The first 200 characters. */
  userAgent: z.string().nullable(),
  /** The process that the caller says it is: clients of `@authpipe/node` have an id each. */
  instance: z.string().nullable(),
});
export type AuditWhere = z.infer<typeof auditWhere>;

/** One entry of the audit. */
export const auditEntry = z.object({
  environment: z.string(),
  /** `null`: of the whole product. */
  tenantId: z.string().nullable(),
  /** Its place in the chain of its environment and tenant, from 1. */
  position: z.int(),
  time: z.iso.datetime(),
  action: storedAuditAction,
  connectionId: z.string().nullable(),
  /** `null` with `where`, `result` and `details` in an entry of an erased tenant. */
  who: auditWho.nullable(),
  where: auditWhere.nullable(),
  /** `ok`, or the code of what went wrong. */
  result: z.string().nullable(),
  /** More of what happened; never a secret. */
  details: z.record(z.string(), z.unknown()).nullable(),
  /** SHA-256 in hexadecimal digits over all of the above and the hash of the entry before. */
  hash: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntry>;

/** A page of the audit, newest first; `nextCursor` is `null` on the last. */
export const auditPage = z.object({ data: z.array(auditEntry), nextCursor: z.string().nullable() });
export type AuditPage = z.infer<typeof auditPage>;

/** Something in a chain that is not as the server wrote it. */
export const auditFault = z.object({
  environment: z.string(),
  tenantId: z.string().nullable(),
  /** The entry; `null` where it is about the chain as a whole. */
  position: z.int().nullable(),
  fault: z.enum([
    'changed',
    'missing',
    'unproved',
    'out_of_order',
    'cut_off',
    'added',
    'head_changed',
    'chain_missing',
    'chain_restarted',
  ]),
  /** In words. */
  detail: z.string(),
});
export type AuditFault = z.infer<typeof auditFault>;

/** What a check of the audit found. */
export const auditVerification = z.object({
  /** Whether there is no fault. */
  intact: z.boolean(),
  chains: z.int(),
  entries: z.int(),
  /** Entries whose content was erased with their tenant: they are still proved to be there, in their order. */
  erased: z.int(),
  /** Entries that were written within the last moments and have no place in a chain yet: nothing is proved of them. */
  waiting: z.int(),
  /** At most 100. */
  faults: z.array(auditFault),
});
export type AuditVerification = z.infer<typeof auditVerification>;

/** Body of `POST /v1/usage`: how often credentials were served from a client's own cache since its last report. */
export const usageReport = z.strictObject({
  uses: z
    .array(
      z.strictObject({
        connectionId: z.string().min(1).max(100),
        count: z.int().min(1).max(1_000_000_000),
      }),
    )
    .min(1)
    .max(1000),
});
export type UsageReport = z.input<typeof usageReport>;
