import { z } from 'zod';
import { connectionAccount, connectionKind, connectionStatus, statusReason } from './connection.js';
import { appId, DEFAULT_LABEL, namesOneOwner, OWNER_RULE } from './identity.js';

const byId = z.strictObject({ connectionId: z.string().min(1, 'must not be empty') });
const byOwner = z
  .strictObject({
    provider: appId.optional(),
    integration: appId.optional(),
    tenantId: appId,
    userId: appId.optional(),
    owner: z.literal('tenant').optional(),
    label: appId.default(DEFAULT_LABEL),
  })
  .refine(namesOneOwner, OWNER_RULE)
  .refine((ref) => ref.provider !== undefined || ref.integration !== undefined, {
    message: 'give provider, integration or connectionId',
    path: ['provider'],
  });

/**
 * Finds one connection: by its id, or by tenant, explicit owner, label and either the integration's id or the
 * provider (which means the integration of that id, or the only one of that provider).
 */
export const credentialRef = z.union([byId, byOwner]);
export type CredentialRef = z.input<typeof credentialRef>;
export type ParsedCredentialRef = z.output<typeof credentialRef>;

/** A credential, ready to use. Secret: never log it, never send it to a browser. */
export const credential = z.object({
  /** The string to put behind `Bearer`: token, key, or base64 pair. */
  credential: z.string(),
  kind: connectionKind,
  /** `Bearer`, `DPoP`, `SSWS`, `Basic`, …; `N_A` of a webhook secret, which is not sent (RFC 8693 section 2.2.1). */
  tokenType: z.string(),
  /** Headers ready to be sent to the provider's API. */
  headers: z.record(z.string(), z.string()),
  /** The parts, where a credential has several (user name and password). */
  fields: z.record(z.string(), z.string()).optional(),
  /** When it stops working; `null` when it has no known end. Never served past it. */
  expiresAt: z.iso.datetime().nullable(),
  /** From when a newer one should be fetched in the background; `null` when it never changes by itself. */
  refreshAfter: z.iso.datetime().nullable(),
  scopes: z.array(z.string()),
  connectionId: z.string(),
  version: z.int(),
  status: connectionStatus,
  reason: statusReason.nullable(),
  account: connectionAccount.nullable(),
  /** Where the provider's API is for this connection (`https://acme.okta.com`). */
  baseUrl: z.string().nullable(),
});
export type Credential = z.infer<typeof credential>;
