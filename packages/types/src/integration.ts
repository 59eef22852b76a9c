import { z } from 'zod';
import { appId } from './identity.js';

/** Body of `PUT /v1/integrations/{integrationId}` and of its form under a tenant. */
export const integrationRequest = z.strictObject({
  /** The provider's id; the integration's own id when left out. */
  provider: appId.optional(),
  /** One of the definition's auth methods; its first when left out. */
  authMethod: appId.optional(),
  clientId: z.string().min(1).max(512),
  /** Kept sealed and never answered. Left out: the stored one stays, if the client and its hosts are the same. */
  clientSecret: z.string().min(1).max(4096).optional(),
  /** Scopes asked of every person; the definition's default when left out. */
  scopes: z.array(z.string().min(1).max(256)).max(100).optional(),
  /** Settings that fix the hosts the client's secret may go to (Okta: `domain`). */
  config: z.record(z.string(), z.string()).optional(),
  /** Registered at the provider; `AUTHPIPE_URL/connect/callback` when left out. */
  redirectUri: z.url().optional(),
});
export type IntegrationRequest = z.input<typeof integrationRequest>;

/** An integration without its secret. */
export const integration = z.object({
  integrationId: z.string(),
  environment: z.string(),
  /** `null` for an integration of the whole product. */
  tenantId: z.string().nullable(),
  provider: z.string(),
  authMethod: z.string(),
  clientId: z.string(),
  hasClientSecret: z.boolean(),
  scopes: z.array(z.string()),
  config: z.record(z.string(), z.string()),
  redirectUri: z.string(),
  status: z.enum(['healthy', 'degraded']),
  reason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Integration = z.infer<typeof integration>;
