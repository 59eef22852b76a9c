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
  /**
   * A key of your own, where the auth method signs with one (`private_key_jwt`): a private JWK, or PEM in PKCS#8. Kept
   * sealed and never answered. Left out: Authpipe makes a key, and keeps it as long as the hosts are the same.
   */
  clientPrivateKey: z.union([z.string().min(1).max(16_384), z.record(z.string(), z.unknown())]).optional(),
  /** Binds tokens to a key of each connection's own (DPoP, RFC 9449). Default `false`. */
  dpop: z.boolean().optional(),
  /**
   * Tokens of connections that nobody has read for so many days are kept alive no longer; the next read takes them up
   * again, if the provider still lets it. Left out: all are kept alive, read or not.
   */
  stopAfterUnusedDays: z.int().min(1).max(3650).optional(),
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
  /** Whether tokens are bound to a key of each connection's own (DPoP, RFC 9449). */
  dpop: z.boolean(),
  /** `null`: tokens are kept alive however long nobody reads them. */
  stopAfterUnusedDays: z.int().nullable(),
  /** Public keys to register at the provider, where the client signs instead of sending a secret; `null` elsewhere. */
  jwks: z.object({ keys: z.array(z.record(z.string(), z.string())) }).nullable(),
  /** Where the provider can fetch them, which keeps it up to date by itself; `null` where there are none. */
  jwksUrl: z.string().nullable(),
  status: z.enum(['healthy', 'degraded']),
  reason: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Integration = z.infer<typeof integration>;
