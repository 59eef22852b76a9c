import { z } from 'zod';
import { appId } from './identity.js';

/** Body of `POST /v1/tenants/{tenantId}/integrations/{integrationId}/setup-links`. */
export const setupLinkRequest = z.strictObject({
  /** The provider's id; the integration's own id when left out. */
  provider: appId.optional(),
  /** Scopes that connections will ask for, and that the administrator has to grant; the definition's when left out. */
  scopes: z.array(z.string().min(1).max(256)).max(100).optional(),
  /** Settings that are known already, such as Okta's `domain`: the administrator can't change them. */
  config: z.record(z.string(), z.string()).optional(),
  /** The host of your product, as its people know it: the page says that it asks. */
  askedBy: z.string().min(1).max(253).optional(),
  /** How long the link works: 7 days unless told, at most 30. */
  lifetimeSeconds: z.int().min(300).max(2_592_000).optional(),
});
export type SetupLinkRequest = z.infer<typeof setupLinkRequest>;

/** Answer to it. */
export const setupLink = z.object({
  id: z.string(),
  /** For the administrator: whoever has it may set this one app up, and do nothing else. */
  url: z.string(),
  expiresAt: z.iso.datetime(),
});
export type SetupLink = z.infer<typeof setupLink>;
