import { z } from 'zod';
import { appId, DEFAULT_LABEL, metadata, namesOneOwner, OWNER_RULE } from './identity.js';

const secret = z.string().min(1, 'must not be empty').max(16_384);

/** A credential brought from elsewhere: exactly one of the forms. */
export const importedCredential = z.union([
  z.strictObject({
    accessToken: secret,
    refreshToken: secret.optional(),
    expiresAt: z.iso
      .datetime({ offset: true })
      .refine((time) => Date.parse(time) >= 0, 'must not be before 1970')
      .optional(),
    scopes: z.array(z.string().min(1)).optional(),
  }),
  z.strictObject({ apiKey: secret }),
  z.strictObject({ username: z.string().min(1).max(1024), password: z.string().max(16_384) }),
  z.strictObject({ webhookSecret: secret }),
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
