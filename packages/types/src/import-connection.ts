import { z } from 'zod';
import { appId, DEFAULT_LABEL, metadata, namesOneOwner, OWNER_RULE } from './identity.js';

const secret = z.string().min(1, 'must not be empty').max(16_384);

/** When a credential ends, where that is known. */
const expiresAt = z.iso
  .datetime({ offset: true })
  .refine((time) => Date.parse(time) >= 0, 'must not be before 1970')
  .optional();

/** Scopes to ask for with client credentials; the integration's, else the definition's default, when left out. */
const requestedScopes = z.array(z.string().min(1).max(256)).max(100).optional();

/** A credential brought from elsewhere: exactly one of the forms. */
export const importedCredential = z.union([
  z.strictObject({
    accessToken: secret,
    refreshToken: secret.optional(),
    expiresAt,
    scopes: z.array(z.string().min(1)).optional(),
  }),
  /** `expiresAt`: people are told 14, 3 and 1 days ahead. */
  z.strictObject({ apiKey: secret, expiresAt }),
  z.strictObject({ username: z.string().min(1).max(1024), password: z.string().max(16_384), expiresAt }),
  z.strictObject({ webhookSecret: secret }),
  /** A client of the connection's own, for OAuth client credentials (RFC 6749 section 4.4). */
  z.strictObject({
    clientId: z.string().min(1).max(512),
    clientSecret: secret.max(4096),
    scopes: requestedScopes,
  }),
  /** Client credentials with the client of the integration, which lends itself to this owner. */
  z.strictObject({ grant: z.literal('client_credentials'), scopes: requestedScopes }),
]);
export type ImportedCredential = z.infer<typeof importedCredential>;

/** Body of `POST /v1/connections`: idempotent by integration, tenant, owner and label. */
export const importConnectionRequest = z
  .strictObject({
    provider: appId,
    integration: appId.optional(),
    tenantId: appId,
    userId: appId.optional(),
    owner: z.literal('tenant').optional(),
    label: appId.default(DEFAULT_LABEL),
    credential: importedCredential,
    config: z.record(z.string(), z.string()).optional(),
    metadata: metadata.optional(),
  })
  .refine(namesOneOwner, OWNER_RULE);
export type ImportConnectionRequest = z.input<typeof importConnectionRequest>;
export type ParsedImportConnectionRequest = z.output<typeof importConnectionRequest>;
