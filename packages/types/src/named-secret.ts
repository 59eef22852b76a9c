import { z } from 'zod';

/** A secret that a connection holds beside its credential (a provider's webhook secret, say), without its value. */
export const namedSecretInfo = z.object({
  name: z.string(),
  /** Grows with every change of the value. */
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type NamedSecretInfo = z.infer<typeof namedSecretInfo>;

/** What `GET /v1/connections/{id}/secrets/{name}` answers. Secret: never log it. */
export const namedSecret = namedSecretInfo.extend({ value: z.string() });
export type NamedSecret = z.infer<typeof namedSecret>;
